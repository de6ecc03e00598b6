"""Does the queue of a server move that is seen by its API alone?"""

from outrigger_sidecar.errors import RemoteError
from outrigger_sidecar.health import CheckState, Reading
from outrigger_sidecar.probes.base import degraded, ok
from outrigger_sidecar.remote_server import RemoteServer


class RemoteQueueProbe:
    """Finds runs that wait although a slot is free and nothing of their thread runs."""

    name = "queue"
    is_critical = False

    def __init__(self, server: RemoteServer, *, stall_seconds: float) -> None:
        self._server = server
        self._stall_seconds = stall_seconds

    def check(self) -> Reading:
        """See `Probe.check`."""
        try:
            load = self._server.load()
        except RemoteError as error:
            return Reading(CheckState.UNKNOWN, str(error))
        if load.pending is None:
            return Reading(CheckState.OFF, "the server does not tell of its queue")
        age = load.oldest_unblocked or 0.0
        if age > self._stall_seconds and load.free_slots:
            return degraded(
                f"stalled: runs wait although {load.free_slots:.0f} slots are free,"
                f" the oldest for {age:.0f} s"
            )
        return ok(f"{load.pending:.0f} wait, {load.running or 0:.0f} run")
