"""What a check measured, as plots over its time and as a table of times."""

from collections.abc import Callable, Iterable, Sequence
from math import log10

from outrigger_loadtests.history.operations import Outcome
from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.profiles import Bounds
from outrigger_loadtests.report.html.page import Cell, Table
from outrigger_loadtests.report.html.plot import Band, Plot, Point, Series
from outrigger_loadtests.report.html.scale import milliseconds
from outrigger_loadtests.report.measures import (
    Measure,
    Measures,
    Slot,
    Stretch,
    measure_of,
    strategy_of,
)
from outrigger_loadtests.report.times import added, count, percentile, shares

PERCENTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (1.0, "max"))
_OUTCOMES = (
    (Outcome.OK, "answered", "ok"),
    (Outcome.FAIL, "refused", "c6"),
    (Outcome.INFO, "unknown", "fail"),
)
_NINES = (0.0, 1.0, 2.0, 3.0)


def times_table(measures: Measures, bounds: Bounds) -> Table:
    """Return a row for each measure and strategy: how many, and how long they took."""
    head = ["time", "strategy", "count", *(name for _, name in PERCENTILES), "bound"]
    rows = []
    for key in measures.keys:
        times = measures.times(key)
        shown = [Cell(milliseconds(percentile(times, share))) for share, _ in PERCENTILES]
        strategy = strategy_of(key)
        rows.append(
            [
                Cell(measure_of(key)),
                Cell(strategy, strategy),
                Cell(f"{count(times):,}"),
                *shown,
                Cell(_bound(measure_of(key), bounds)),
            ]
        )
    return Table(head, rows)


def plots_of(measures: Measures) -> list[Plot]:
    """Return the plots of a check; those of which nothing was measured are left out."""
    if not measures.slots:
        return []
    begin = begin_of(measures)
    bands = bands_of(measures, begin)
    seconds = measures.width / NANOSECONDS
    plots = [
        Plot("Requests", _requests(measures, seconds), bands, "per second"),
        Plot("Runs in flight", [_in_flight(measures)], bands, "runs"),
        Plot("Time to accept a message", _over_time(measures, Measure.ACCEPT), bands, "ms"),
        Plot("Time to the first event", _over_time(measures, Measure.FIRST_EVENT), bands, "ms"),
        Plot("Time until a victim has stopped", _over_time(measures, Measure.CUT), bands, "ms"),
        _distribution("Time to accept, by strategy", measures, Measure.ACCEPT),
    ]
    return [plot for plot in plots if plot.has_marks]


def bands_of(measures: Measures, zero: int) -> list[Band]:
    """Return the stages of the load and the faults, in seconds."""
    return [
        *(_band("stage", each, zero) for each in measures.stages),
        *(_band("fault", each, zero) for each in measures.faults),
    ]


def _band(kind: str, stretch: Stretch, zero: int) -> Band:
    start, stop = ((each - zero) / NANOSECONDS for each in (stretch.start, stretch.stop))
    return Band(kind, stretch.name, start, stop)


def begin_of(measures: Measures) -> int:
    """Return the moment that is 0 in the plots."""
    starts = (each.start for each in measures.stages)
    return min(starts, default=measures.first * measures.width)


def _x(measures: Measures, number: int) -> float:
    """Return the middle of a slot in seconds since the beginning."""
    middle = number * measures.width + measures.width // 2 - begin_of(measures)
    return max(0.0, middle / NANOSECONDS)


def _series(
    measures: Measures,
    name: str,
    role: str,
    value: Callable[[Slot], float | None],
    *,
    dashed: bool = False,
) -> Series:
    empty = Slot()
    points = [
        Point(_x(measures, number), value(measures.slots.get(number, empty)))
        for number in range(measures.first, measures.last + 1)
    ]
    return Series(name, points, role, dashed)


def _requests(measures: Measures, seconds: float) -> list[Series]:
    seen = {outcome for slot in measures.slots.values() for outcome in slot.sent}
    return [
        _series(measures, name, role, lambda slot, o=outcome: slot.sent.get(o, 0) / seconds)  # type: ignore[misc]
        for outcome, name, role in _OUTCOMES
        if outcome in seen
    ]


def _in_flight(measures: Measures) -> Series:
    points, now = [], 0
    for number in range(measures.first, measures.last + 1):
        slot = measures.slots.get(number, Slot())
        now += slot.began
        points.append(Point(_x(measures, number), now))
        now -= slot.ended
    return Series("possibly in flight", points, "enqueue")


def _over_time(measures: Measures, measure: Measure) -> list[Series]:
    keys = [key for key in measures.keys if measure_of(key) == measure]

    def at(share: float) -> Callable[[Slot], float | None]:
        return lambda slot: percentile(_of(slot, keys), share) if _of(slot, keys) else None

    lines = (
        (0.5, "p50", "enqueue", False),
        (0.95, "p95", "interrupt", False),
        (1.0, "max", "reject", True),
    )
    return [
        _series(measures, name, role, at(share), dashed=dashed)
        for share, name, role, dashed in lines
    ]


def _of(slot: Slot, keys: Iterable[str]) -> dict[int, int]:
    return added(slot.times[key] for key in keys if key in slot.times)


def _distribution(title: str, measures: Measures, measure: Measure) -> Plot:
    keys = [key for key in measures.keys if measure_of(key) == measure]
    series = [Series(strategy_of(key), _curve(measures, key), strategy_of(key)) for key in keys]
    return Plot(title, series, (), "ms", _NINES, _share, "Share of messages that took no longer.")


def _curve(measures: Measures, key: str) -> Sequence[Point]:
    """Return the times by nines: 0 at none, 1 at 90 %, 2 at 99 %."""
    found = [Point(0.0, 0.0)]
    for share, value in shares(measures.times(key)):
        nines = min(_NINES[-1], -log10(1 - share)) if share < 1 else _NINES[-1]
        found.append(Point(nines, value))
    return found


def _share(nines: float) -> str:
    return f"{100 * (1 - 10**-nines):.6g} %"


def _bound(measure: str, bounds: Bounds) -> str:
    limits = {
        Measure.FIRST_EVENT: f"{bounds.start:g} s behind nobody",
        Measure.CUT: f"{bounds.prompt_cut:g} s, or {bounds.cut:g} s",
    }
    return limits.get(Measure(measure), "none")
