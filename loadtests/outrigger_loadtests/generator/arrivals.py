"""When conversations begin: seeded, and as many as the rate says.

Gaps are drawn and then stretched so that they fill the time exactly: chance decides when people
come but not how many, else a stage's load would differ from
its name by as much as it is tested for.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from random import Random

from outrigger_loadtests.behaviour.profile import Behaviour, Process

_NANOSECONDS = 1_000_000_000


def arrivals(behaviour: Behaviour, seed: str, rate: float, seconds: float) -> list[int]:
    """Return nanoseconds after the beginning, in order: `rate` times `seconds` of them.

    A recording's own rhythm is repeated at the rate.
    """
    count = max(1, round(rate * seconds))
    if behaviour.recording:
        gaps = _recorded_gaps(behaviour, count)
    else:
        told = behaviour.arrivals
        shape = 1.0 if told.process is Process.POISSON else told.shape
        chance = Random(seed)  # noqa: S311  a plan, not a secret
        gaps = [chance.gammavariate(shape, 1.0) for _ in range(count + 1)]
    return _stretched(gaps, int(seconds * _NANOSECONDS))


def _stretched(gaps: Sequence[float], length: int) -> list[int]:
    total = sum(gaps) or 1.0
    return [int(each / total * length) for each in accumulate(gaps[:-1])]


def _recorded_gaps(behaviour: Behaviour, count: int) -> list[float]:
    begins = sorted({each.thread: each.at for each in reversed(behaviour.recording)}.values())
    gaps = [later - sooner for sooner, later in pairwise(begins)] or [1.0]
    mean = sum(gaps) / len(gaps) or 1.0
    return [mean, *(gaps[n % len(gaps)] for n in range(count))]
