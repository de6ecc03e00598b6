"""Does the queue move?"""

from collections.abc import Callable

from outrigger_sidecar.errors import DatabaseError
from outrigger_sidecar.health import CheckState, Reading
from outrigger_sidecar.probes.base import degraded, ok
from outrigger_sidecar.run_database import RunDatabase
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metric_specs import WORKER_SLOTS


class QueueProbe:
    """Finds runs that wait although a slot is free and nothing of their thread runs."""

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
        slots = self._files.gauge(WORKER_SLOTS.name)
        idle = int(slots.get((("state", "idle"),), 0))
        age = queue.unblocked_oldest_seconds
        if idle > 0 and age > self._stall_seconds:
            return degraded(
                f"stalled: {queue.unblocked} due runs wait although {idle} slots are free,"
                f" the oldest for {age:.0f} s"
            )
        return ok(f"{queue.unblocked} wait for a slot, {queue.blocked} behind their own thread")
