"""When a figure got worse: the one rule, for every figure.

A figure is never one number. It is what several repeats gave: the repeats of a capacity test, or
the fifths of a check. Its *value* is their median, its *spread* the distance from the least to the
most of them, as a share of the median.

    worse      the candidate's value is worse than the base's by more than 10 %, and by more than
               one and a half times the spread of either; a time also by more than 5 ms
    too noisy  not worse, but one and a half times the spread is over 20 %: such a loss could hide
    better     like worse, the other way round
    the same   everything else

What the same build gives when it is measured again counts as worse in one comparison of a hundred
at most, however much the machine swings, and never when three repeats are within 5 % of their
middle. There a loss of a fifth is found; where they are further apart it is found or, nearly
always, said to be too noisy to tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

LIMIT = 0.10
NOISY = 0.20
SPREADS = 1.5
LEAST_REPEATS = 3
LEAST_MILLISECONDS = 5.0


class Change(StrEnum):
    """What became of a figure."""

    WORSE = "worse"
    NOISY = "too noisy to tell"
    BETTER = "better"
    SAME = "the same"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Figure:
    """What the repeats gave. `least` is the smallest difference that matters, in its own unit.

    `essential`: when nothing can be told of it, nothing can be told of the whole.
    """

    name: str
    unit: str
    repeats: Sequence[float]
    more_is_better: bool
    least: float = 0.0
    essential: bool = True

    @property
    def enough(self) -> bool:
        """Whether there are repeats enough to compare."""
        return len(self.repeats) >= LEAST_REPEATS

    @property
    def value(self) -> float:
        """The median."""
        return median(self.repeats)

    @property
    def spread(self) -> float:
        """How far the repeats are apart, as a share of the median."""
        apart = max(self.repeats) - min(self.repeats)
        return apart / self.value if self.value else float(apart > 0)


def change_of(base: Figure, candidate: Figure) -> Change:
    """Say what became of a figure."""
    if not (base.enough and candidate.enough):
        return Change.UNKNOWN
    if base.value == candidate.value == 0:
        return Change.SAME
    loss = loss_of(base, candidate)
    hidden = SPREADS * max(base.spread, candidate.spread)
    matters = abs(candidate.value - base.value) > base.least
    if abs(loss) > max(LIMIT, hidden) and matters:
        return Change.WORSE if loss > 0 else Change.BETTER
    if hidden > NOISY and _apart(base) + _apart(candidate) > base.least:
        return Change.NOISY
    return Change.SAME


def loss_of(base: Figure, candidate: Figure) -> float:
    """Return by which share of the base the candidate is worse; below 0 when it is better."""
    change = candidate.value - base.value
    share = change / base.value if base.value else float("inf") * (1 if change > 0 else -1)
    return -share if base.more_is_better else share


def _apart(figure: Figure) -> float:
    return max(figure.repeats) - min(figure.repeats)
