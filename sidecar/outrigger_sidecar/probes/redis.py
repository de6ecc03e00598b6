"""Redis: not used by the embedded server, and said so."""

from outrigger_sidecar.health import CheckState, Reading


class RedisProbe:
    """Says that there is no Redis to check."""

    name = "redis"
    is_critical = False

    def check(self) -> Reading:
        """See `Probe.check`."""
        return Reading(CheckState.OFF, "the embedded server uses no Redis")
