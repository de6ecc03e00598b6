"""Plots of a capacity test: over its time, at each load, and for each number of users."""

from collections.abc import Iterable, Iterator, Sequence

from outrigger_loadtests.report.capacity_json import (
    CapacityPart,
    Objective,
    OperationPart,
    SamplePart,
    StageKind,
    StagePart,
    StrategyPart,
    UslPart,
)
from outrigger_loadtests.report.html.plot import Band, Plot, Point, Series
from outrigger_loadtests.report.html.scale import number, ticks
from outrigger_loadtests.report.text import times

DRAINS = "What ends after a stage, while it drains, is left out."
SHORTEST_SAMPLE = 0.5  # seconds; a stage's last one is as short as it happens to be
_USERS_SHOWN = 60  # points of the fitted curve


def plots_of_strategy(strategy: StrategyPart, capacity: CapacityPart) -> list[Plot]:
    """Return what each load took and gave, and how it grows with the users."""
    plots = [*(_latency(strategy, each) for each in capacity.objectives), _throughput(strategy)]
    if strategy.usl is not None:
        plots.append(_scaling(strategy, strategy.usl))
    return [plot for plot in plots if plot.has_marks]


def stage_bands(capacity: CapacityPart) -> list[Band]:
    """Return the stages as stretches of time, in the order they were held."""
    stages = [each for strategy in capacity.strategies for each in strategy.stages]
    return [
        Band("stage", _stage_name(each), each.began, each.ended)
        for each in sorted(stages, key=lambda each: each.began)
    ]


def _under_load(capacity: CapacityPart) -> list[SamplePart]:
    """Return the samples of the stages without their ends, in which everybody leaves."""
    stages = [each for strategy in capacity.strategies for each in strategy.stages]
    loads = [(each.began, each.ended - each.cost.drain) for each in stages]
    before = [0.0, *(each.at for each in capacity.samples)]
    return [
        sample
        for sample, last in zip(capacity.samples, before, strict=False)
        if not 0 < sample.at - last < SHORTEST_SAMPLE
        and any(begin <= sample.at <= end for begin, end in loads)
    ]


def _stage_name(stage: StagePart) -> str:
    held = "" if stage.passed else " ✗"
    if stage.kind is StageKind.CLOSED:
        return times(stage.users, "user")
    return f"{number(stage.offered)}/s{held}"


def plots_over_time(capacity: CapacityPart, faults: Sequence[Band]) -> list[Plot]:
    """Return what was offered and what came of it, second by second, with the stages."""
    samples = capacity.samples
    loaded = _under_load(capacity)
    bands = [*stage_bands(capacity), *faults]
    rates = [
        Series("offered", [Point(each.at, each.offered) for each in loaded], "reject", dashed=True),
        Series("achieved", [Point(each.at, each.achieved) for each in loaded], "ok"),
    ]
    flying = [Series("in flight", [Point(each.at, each.in_flight) for each in samples], "enqueue")]
    lost = [
        Series("dropped", [Point(each.at, each.dropped) for each in samples], "interrupt"),
        Series("errors", [Point(each.at, each.errors) for each in samples], "fail"),
    ]
    plots = [
        Plot("Conversations: offered and achieved", rates, bands, "per second", note=DRAINS),
        Plot("Conversations in flight", flying, bands, ""),
        Plot("Conversations dropped, requests failed", lost, bands, ""),
    ]
    return [plot for plot in plots if plot.has_marks]


def _latency(strategy: StrategyPart, objective: Objective) -> Plot:
    """The objective's operation at each load: as users had it, and as the requests alone took."""
    operation, most = objective.operation, 1000 * objective.seconds
    stages = _open(strategy)
    held, broke = ([each for each in stages if each.passed is held] for held in (True, False))
    series = [
        Series("uncorrected", _by_load(stages, operation, corrected=False), "reject", dots=True),
        Series("p95, held", _by_load(held, operation, corrected=True), "ok", dots=True),
        Series("did not hold", _by_load(broke, operation, corrected=True), "fail", dots=True),
        Series(
            "at most", [Point(each, most) for each in _load_ticks(strategy)], "warn", dashed=True
        ),
    ]
    title = f"{operation.replace('_', ' ').capitalize()} at each load"
    return Plot(title, series, (), "ms", _load_ticks(strategy), number, "conversations a second")


def _by_load(stages: Iterable[StagePart], operation: str, *, corrected: bool) -> list[Point]:
    found = []
    for stage in stages:
        parts = operations_of(stage, operation)
        values = [(each.corrected if corrected else each.uncorrected).p95 for each in parts]
        found.append(Point(stage.offered, 1000 * max(values) if values else None))
    return found


def _open(strategy: StrategyPart) -> list[StagePart]:
    stages = (each for each in strategy.stages if each.kind is not StageKind.CLOSED)
    return sorted(stages, key=lambda each: each.offered)


def _load_ticks(strategy: StrategyPart) -> list[float]:
    return ticks(max((each.offered for each in _open(strategy)), default=1.0))


def _throughput(strategy: StrategyPart) -> Plot:
    stages = _open(strategy)
    series = [
        Series(
            "offered", [Point(each, each) for each in _load_ticks(strategy)], "reject", dashed=True
        ),
        Series(
            "achieved", [Point(each.offered, each.achieved) for each in stages], "ok", dots=True
        ),
        Series(
            "goodput, runs",
            [Point(each.offered, each.cost.goodput) for each in stages],
            "enqueue",
            dots=True,
        ),
    ]
    note = "conversations a second that were to begin"
    return Plot(
        "What came of each load", series, (), "per second", _load_ticks(strategy), number, note
    )


def _scaling(strategy: StrategyPart, usl: UslPart) -> Plot:
    """Closed stages, and the law that was fitted to them."""
    closed = [each for each in strategy.stages if each.kind is StageKind.CLOSED]
    most = max((each.users for each in closed), default=1)
    measured = [Point(each.users, each.achieved) for each in sorted(closed, key=lambda s: s.users)]
    fitted = [Point(users, _throughput_of(users, usl)) for users in _users(most)]
    series = [
        Series("measured", measured, "ok", dots=True),
        Series("fitted", fitted, "reject", dashed=True),
    ]
    knee = "no knee" if usl.knee is None else f"knee at {usl.knee:.0f} users"
    note = f"users; the fit (R² {usl.fit:.3f}) says {knee}: a heuristic, not a measurement"
    return Plot("Users and throughput", series, (), "per second", ticks(most), number, note)


def _users(most: int) -> Iterator[float]:
    steps = min(most, _USERS_SHOWN)
    return (max(1.0, most * step / steps) for step in range(1, steps + 1))


def _throughput_of(users: float, usl: UslPart) -> float:
    crosstalk = usl.alpha * (users - 1) + usl.beta * users * (users - 1)
    return usl.gamma * users / (1 + crosstalk)


def operations_of(stage: StagePart, operation: str) -> list[OperationPart]:
    """Return what a stage measured of an operation, by strategy."""
    return [each for each in stage.operations if each.operation == operation and each.count]
