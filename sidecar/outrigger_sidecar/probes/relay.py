"""Do traces get through?"""

from collections.abc import Callable

from outrigger_sidecar.health import CheckState, Reading
from outrigger_sidecar.probes.base import degraded, ok
from outrigger_sidecar.relay.relay import Standing

FULL_RATIO = 0.8


class RelayProbe:
    """Looks at the relay's spool and at how long the upstream has taken nothing."""

    name = "relay"
    is_critical = False

    def __init__(self, standing: Callable[[], Standing | None], *, failing_seconds: float) -> None:
        self._standing = standing
        self._failing_seconds = failing_seconds

    def check(self) -> Reading:
        """See `Probe.check`."""
        standing = self._standing()
        if standing is None:
            return Reading(CheckState.OFF, "no key for an upstream: traces become metrics only")
        ratio = standing.spool_bytes / standing.spool_max_bytes
        if ratio > FULL_RATIO:
            return degraded(f"the spool is {ratio:.0%} full; then the oldest traces are dropped")
        if standing.failing_seconds > self._failing_seconds:
            return degraded(
                f"the upstream has taken nothing for {standing.failing_seconds:.0f} s:"
                f" {standing.why}; {standing.pending} operations wait"
            )
        return ok(f"{standing.pending} operations wait, the spool is {ratio:.0%} full")
