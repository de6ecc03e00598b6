"""The figures of a run that can be compared with those of another run."""

from collections.abc import Iterator

from outrigger_loadtests.report.capacity_json import (
    CapacityPart,
    CapacityVerdict,
    StrategyPart,
)
from outrigger_loadtests.report.comparison.rule import (
    LEAST_MILLISECONDS,
    LEAST_REPEATS,
    Figure,
)
from outrigger_loadtests.report.measures import Measure, Measures, Slot, measure_of
from outrigger_loadtests.report.times import added, count, percentile

FIFTHS = 5
LEAST_TIMES = 10
_COMPARED = (Measure.ACCEPT, Measure.FIRST_EVENT, Measure.CUT)


def figures_of_capacity(capacity: CapacityPart) -> Iterator[Figure]:
    """Yield the capacity with each strategy, in conversations."""
    for each in capacity.strategies:
        yield Figure(f"capacity {each.strategy}", "/s", _searched(each), more_is_better=True)


def _searched(strategy: StrategyPart) -> list[float]:
    """Return what each search found; where the first one found none the server holds nothing."""
    if strategy.verdict in {CapacityVerdict.INCONCLUSIVE, CapacityVerdict.FAIL}:
        return []
    if strategy.capacity is None:
        return [0.0] * LEAST_REPEATS
    return [each.capacity or 0.0 for each in strategy.repeats]


def figures_of_times(measures: Measures) -> Iterator[Figure]:
    """Yield the median times of a check, each in five parts of its time.

    Parts with too few times are left out. How long a whole run took says nothing: it was told to.
    """
    parts = _parts(measures)
    for key in measures.keys:
        if measure_of(key) in _COMPARED:
            yield Figure(
                key,
                " ms",
                [each for part in parts if (each := _median(part, key)) is not None],
                more_is_better=False,
                least=LEAST_MILLISECONDS,
                essential=False,
            )


def _parts(measures: Measures) -> list[list[Slot]]:
    """Return the slots of the sending, in so many parts of equal length."""
    if not measures.slots:
        return []
    stop = measures.stages[0].stop // measures.width if measures.stages else measures.last
    span = max(1, min(stop, measures.last) - measures.first + 1)
    parts: list[list[Slot]] = [[] for _ in range(FIFTHS)]
    for number, slot in measures.slots.items():
        part = (number - measures.first) * FIFTHS // span
        if part < FIFTHS:
            parts[part].append(slot)
    return parts


def _median(slots: list[Slot], key: str) -> float | None:
    times = added(slot.times.get(key, {}) for slot in slots)
    return percentile(times, 0.5) if count(times) >= LEAST_TIMES else None
