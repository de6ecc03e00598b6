"""The search for the highest rate that holds: up by a factor, then halving the interval. Pure."""

import math
from dataclasses import dataclass

from outrigger_loadtests.report.capacity_json import StageKind

FACTOR = 1.5
PRECISION = 0.05
LEAST = 0.01  # conversations a second; a server that does not hold that holds nothing


@dataclass
class Search:
    """One search, from its first rate. Ask for the next `rate`, tell what came of it.

    `holds` is the highest rate that held, `breaks` the lowest one above it that did not.
    """

    start: float
    most: float
    factor: float = FACTOR
    precision: float = PRECISION
    holds: float | None = None
    breaks: float | None = None

    @property
    def kind(self) -> StageKind:
        """Why the next rate is tried."""
        between = self.holds is not None and self.breaks is not None
        return StageKind.BISECTION if between else StageKind.GEOMETRIC

    @property
    def rate(self) -> float | None:
        """The next rate to try; None when the search is over."""
        if self.holds is None:
            lower = self.start if self.breaks is None else self.breaks / self.factor
            return lower if lower >= LEAST else None
        if self.breaks is None:
            return min(self.holds * self.factor, self.most) if self.holds < self.most else None
        if self.breaks <= self.holds * (1 + self.precision):
            return None
        return math.sqrt(self.holds * self.breaks)

    def tell(self, rate: float, *, held: bool) -> None:
        """Say what came of a rate."""
        if held:
            self.holds = rate
        else:
            self.breaks = rate
