"""Histograms of latencies, three digits from a microsecond to an hour, which can be added up.

What was measured by two generators and added is what one would have measured.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]  # it ships no types

MOST_MICROSECONDS = 3_600_000_000
DIGITS = 3
_MICROSECOND = 1_000  # nanoseconds
_SECOND = 1_000_000  # microseconds


class Histogram:
    """Counts of durations. What is over an hour counts as an hour."""

    def __init__(self, encoded: str = "") -> None:
        self._counted = (
            HdrHistogram.decode(encoded) if encoded else HdrHistogram(1, MOST_MICROSECONDS, DIGITS)
        )
        self._new: dict[int, int] = {}

    def record(self, nanoseconds: int) -> None:
        """Count one duration; cheap, for a generator does it often."""
        microseconds = min(max(0, nanoseconds) // _MICROSECOND, MOST_MICROSECONDS)
        self._new[microseconds] = self._new.get(microseconds, 0) + 1

    def add(self, other: "Histogram") -> None:
        """Count everything that the other one counted."""
        self._counts.add(other._counts)  # noqa: SLF001  its own kind

    @property
    def _counts(self) -> HdrHistogram:
        """The histogram with everything in it that was recorded so far."""
        while self._new:
            self._counted.record_value(*self._new.popitem())
        return self._counted

    def _recorded(self) -> list[tuple[int, int]]:
        """Return what was counted, each value in microseconds and how often; in order.

        The library's own iterators take a hundred times as long.
        """
        value, highest = (
            self._counts.get_value_from_index,
            self._counts.get_highest_equivalent_value,
        )
        return [(highest(value(i)), n) for i, n in enumerate(self._counts.counts) if n]

    @property
    def count(self) -> int:
        """How many durations there are."""
        return int(self._counts.get_total_count())

    @property
    def mean(self) -> float:
        """The mean in seconds; 0 when there is none."""
        found = self._recorded()
        total = sum(count for _, count in found)
        return sum(value * count for value, count in found) / total / _SECOND if total else 0.0

    @property
    def most(self) -> float:
        """The longest in seconds; 0 when there is none."""
        return float(self._counts.get_max_value()) / _SECOND if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """Return the seconds within which so many percent stay; 0 when there are none."""
        return self.percentiles(percent)[0]

    def percentiles(self, *percents: float) -> list[float]:
        """Return several, in the order asked for; that costs as much as one."""
        found = self._recorded()
        reached = list(accumulate(count for _, count in found))
        if not reached:
            return [0.0 for _ in percents]
        # As the library rounds: `round` would take half of five for two.
        wanted = (max(1, int(percent * reached[-1] / 100 + 0.5)) for percent in percents)
        return [found[bisect_left(reached, each)][0] / _SECOND for each in wanted]

    def encoded(self) -> str:
        """Return it as HdrHistogram V2, compressed, in base64: other tools read it, too."""
        return str(self._counts.encode().decode())


Key = tuple[str, str]  # operation, strategy


class Latencies:
    """Histograms by operation and strategy: from the intended moment, and from the actual one."""

    def __init__(self) -> None:
        self._pairs: dict[Key, tuple[Histogram, Histogram]] = {}

    def record(self, operation: str, strategy: str, corrected: int, uncorrected: int) -> None:
        """Count one operation, in nanoseconds."""
        pair = self._pair((operation, strategy))
        pair[0].record(corrected)
        pair[1].record(uncorrected)

    def add(self, other: "Latencies") -> None:
        """Count everything that the other ones counted."""
        for key, pair in other._pairs.items():  # noqa: SLF001  its own kind
            for mine, theirs in zip(self._pair(key), pair, strict=True):
                mine.add(theirs)

    def of(self, operation: str, strategy: str) -> tuple[Histogram, Histogram]:
        """Return corrected and uncorrected ones; empty ones when nothing was counted."""
        return self._pairs.get((operation, strategy)) or (Histogram(), Histogram())

    def corrected(self, operation: str) -> Histogram:
        """Return the corrected ones of an operation with all strategies."""
        found = Histogram()
        for (name, _), (corrected, _) in self._pairs.items():
            if name == operation:
                found.add(corrected)
        return found

    def counted(self) -> Iterator[Key]:
        """Yield what was counted, in order."""
        yield from sorted(self._pairs)

    def encoded(self) -> list[tuple[str, str, str, str]]:
        """Return everything as text, to be sent to another process."""
        return [
            (*key, corrected.encoded(), uncorrected.encoded())
            for key, (corrected, uncorrected) in sorted(self._pairs.items())
        ]

    def add_encoded(self, encoded: list[tuple[str, str, str, str]]) -> None:
        """Count what another process has sent."""
        other = Latencies()
        for operation, strategy, corrected, uncorrected in encoded:
            other._pairs[operation, strategy] = Histogram(corrected), Histogram(uncorrected)
        self.add(other)

    def _pair(self, key: Key) -> tuple[Histogram, Histogram]:
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = (Histogram(), Histogram())
        return pair


Objectives = Mapping[str, float]  # seconds by operation
