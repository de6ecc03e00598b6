"""Counts of latencies between fixed bounds, which are cheap to tell every second.

A histogram of three digits is for the report; these are for boards, which watch a stage go on.
"""

from bisect import bisect_left

import msgspec

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds in seconds, without the last one, which is always infinite."""
_NANOSECONDS = 1_000_000_000
_BOUNDS = tuple(int(each * _NANOSECONDS) for each in BOUNDS)


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How one operation's latencies lie: so many in each bucket, and how long all of them took."""

    operation: str
    strategy: str
    counts: list[int]
    seconds: float


class Buckets:
    """Counts latencies by operation and strategy."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._nanoseconds: dict[tuple[str, str], int] = {}

    def record(self, operation: str, strategy: str, nanoseconds: int) -> None:
        """Count one latency; cheap, for a generator does it often."""
        key = operation, strategy
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0] * (len(BOUNDS) + 1)
            self._nanoseconds[key] = 0
        counts[bisect_left(_BOUNDS, nanoseconds)] += 1
        self._nanoseconds[key] += nanoseconds

    def spreads(self) -> list[Spread]:
        """Return what was counted so far, in order."""
        return [
            Spread(
                operation=key[0],
                strategy=key[1],
                counts=list(self._counts[key]),
                seconds=self._nanoseconds[key] / _NANOSECONDS,
            )
            for key in sorted(self._counts)
        ]


def added(*told: list[Spread]) -> list[Spread]:
    """Add up what several workers counted."""
    found: dict[tuple[str, str], Spread] = {}
    for each in (each for spreads in told for each in spreads):
        key = each.operation, each.strategy
        found[key] = _sum(found[key], each) if key in found else each
    return [found[key] for key in sorted(found)]


def _sum(one: Spread, other: Spread) -> Spread:
    counts = [here + there for here, there in zip(one.counts, other.counts, strict=True)]
    seconds = one.seconds + other.seconds
    return msgspec.structs.replace(one, counts=counts, seconds=seconds)
