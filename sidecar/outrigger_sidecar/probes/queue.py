"""Does the queue move?"""

from collections.abc import Callable

from outrigger_sidecar.errors import DatabaseError
from outrigger_sidecar.health import CheckState, Reading
from outrigger_sidecar.probes.base import degraded, ok
from outrigger_sidecar.run_database.base import Queue, RunDatabase
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metric_specs import WORKER_SLOTS


class QueueProbe:
    """Finds runs that wait although a slot is free and nothing of their thread runs.

    Where no process with slots is known, they are those that wait while nothing runs at all.
    """

    name = "queue"
    is_critical = False

    def __init__(
        self,
        database: RunDatabase,
        files: MetricFiles,
        *,
        stall_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._files = files
        self._stall_seconds = stall_seconds
        self._clock = clock

    def check(self) -> Reading:
        """See `Probe.check`."""
        try:
            queue = self._database.queue(self._clock())
        except DatabaseError as error:
            return Reading(CheckState.UNKNOWN, str(error))
        age = queue.unblocked_oldest_seconds
        reason = self._stall(queue) if age > self._stall_seconds else None
        if reason is not None:
            return degraded(
                f"stalled: {queue.unblocked} due runs wait although {reason},"
                f" the oldest for {age:.0f} s"
            )
        return ok(f"{queue.unblocked} wait for a slot, {queue.blocked} behind their own thread")

    def _stall(self, queue: Queue) -> str | None:
        slots = self._files.gauge(WORKER_SLOTS.name)
        idle = int(slots.get((("state", "idle"),), 0))
        if idle > 0:
            return f"{idle} slots are free"
        # The workers may be elsewhere; runs that nobody works off are seen from everywhere.
        if not sum(slots.values()) and not queue.live.get("running", 0):
            return "none is running"
        return None
