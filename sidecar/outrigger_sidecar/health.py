"""What health means: states, how a check settles, how checks add up. Pure: no I/O, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """What a check found. Unknown is never ok."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    OFF = "off"


class Overall(StrEnum):
    """All checks together."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


_RANK = {
    CheckState.OFF: 0,
    CheckState.OK: 0,
    CheckState.DEGRADED: 1,
    CheckState.UNKNOWN: 2,
    CheckState.FAILED: 2,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One result of one probe. `detail` is shown to strangers: no path, no driver's text."""

    state: CheckState
    detail: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is said about one check now."""

    name: str
    state: CheckState
    detail: str
    is_critical: bool
    duration_seconds: float | None
    age_seconds: float | None


class Settling:
    """Turns readings into a state that does not flap.

    The first reading counts at once. Then a state turns worse after `fails_down` worse readings
    in a row, and better after `passes_up` better ones.
    """

    def __init__(self, *, fails_down: int, passes_up: int) -> None:
        self._fails_down = fails_down
        self._passes_up = passes_up
        self._worse = 0
        self._better = 0
        self.settled: Reading | None = None

    def add(self, reading: Reading) -> Reading:
        """Take a reading and return what is settled now."""
        if self.settled is None:
            self.settled = reading
            return reading
        difference = _RANK[reading.state] - _RANK[self.settled.state]
        self._worse = self._worse + 1 if difference > 0 else 0
        self._better = self._better + 1 if difference < 0 else 0
        is_over = self._worse >= self._fails_down or self._better >= self._passes_up
        if difference == 0 or is_over:
            self.settled = reading
            self._worse = self._better = 0
        return self.settled


def overall(reports: Iterable[CheckReport]) -> Overall:
    """Add checks up: a critical one that failed or is unknown makes all unhealthy."""
    result = Overall.HEALTHY
    for report in reports:
        rank = _RANK[report.state]
        if report.is_critical and rank > _RANK[CheckState.DEGRADED]:
            return Overall.UNHEALTHY
        if rank > 0:
            result = Overall.DEGRADED
    return result
