"""Has a server that is seen by its API alone anyone who can take a run?"""

from outrigger_sidecar.errors import RemoteError
from outrigger_sidecar.health import CheckState, Reading
from outrigger_sidecar.probes.base import degraded, ok
from outrigger_sidecar.remote_server import RemoteServer


class RemoteWorkersProbe:
    """Looks at the slots that the server reports."""

    name = "workers"
    is_critical = False

    def __init__(self, server: RemoteServer) -> None:
        self._server = server

    def check(self) -> Reading:
        """See `Probe.check`."""
        try:
            load = self._server.load()
        except RemoteError as error:
            return Reading(CheckState.UNKNOWN, str(error))
        if load.slots is None or load.free_slots is None:
            return Reading(CheckState.OFF, "the server does not tell of its workers")
        if load.slots == 0:
            return degraded("no process has slots for runs")
        return ok(f"{load.slots - load.free_slots:.0f} of {load.slots:.0f} slots busy")
