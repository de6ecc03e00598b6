"""What is not there to be checked, and said so."""

from outrigger_sidecar.health import CheckState, Reading


class OffProbe:
    """Says why there is nothing to check."""

    is_critical = False

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self._reason = reason

    def check(self) -> Reading:
        """See `Probe.check`."""
        return Reading(CheckState.OFF, self._reason)
