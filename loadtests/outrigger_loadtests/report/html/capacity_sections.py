"""The parts of the page that say how much a server holds."""

from collections.abc import Iterable, Sequence

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]  # it ships no types

from outrigger_loadtests.report.capacity_json import (
    CapacityPart,
    CapacityVerdict,
    CostPart,
    GeneratorPart,
    Objective,
    OperationPart,
    StageKind,
    StagePart,
    StrategyPart,
)
from outrigger_loadtests.report.html.capacity_plots import (
    operations_of,
    plots_of_strategy,
    plots_over_time,
)
from outrigger_loadtests.report.html.page import Cell, Section, Table
from outrigger_loadtests.report.html.plot import Band
from outrigger_loadtests.report.html.scale import milliseconds, number
from outrigger_loadtests.report.text import NOTHING, times

ROLES = {
    CapacityVerdict.PASS: "pass",
    CapacityVerdict.SLO_MISS: "warn",
    CapacityVerdict.FAIL: "fail",
    CapacityVerdict.INCONCLUSIVE: "unknown",
}
_REASONS = 3


def capacity_sections(capacity: CapacityPart, faults: Sequence[Band] = ()) -> list[Section]:
    """Return them in the order of the page; `faults` are in seconds since the test began."""
    return [
        _capacities(capacity),
        _objectives(capacity),
        _over_time(capacity, faults),
        *(_strategy(each, capacity) for each in capacity.strategies),
        _generator(capacity),
    ]


def _capacities(capacity: CapacityPart) -> Section:
    """How much it holds with each strategy, from the least of the repeats to the most."""
    head = ["strategy", "verdict", "conversations/s", "range", "runs/s", "repeats"]
    head += ["refused", "wasted", "goodput", "drain", "why"]
    rows = [
        [
            Cell(each.strategy, each.strategy),
            Cell(each.verdict.words, ROLES[each.verdict]),
            Cell(_rate(each.capacity)),
            Cell(_range(each)),
            Cell(_rate(each.runs)),
            Cell(", ".join(_rate(repeat.capacity) for repeat in each.repeats)),
            *_costs(each.cost),
            Cell(each.reason, "words"),
        ]
        for each in capacity.strategies
    ]
    asked = "" if capacity.target is None else f" Asked for: {_rate(capacity.target)} a second."
    lead = f"The median of the repeats, and from the least to the most of them.{asked}"
    words = frozenset({len(head) - 1})
    return Section("capacity", "Capacity", lead, [Table(head, rows, words)] if rows else [])


def _costs(cost: CostPart | None) -> list[Cell]:
    if cost is None:
        return [Cell(NOTHING, "nothing")] * 4
    return [
        Cell(f"{100 * cost.refused_share:.1f} %"),
        Cell(f"{100 * cost.wasted_share:.1f} %"),
        Cell(f"{number(cost.goodput)}/s"),
        Cell(milliseconds(1000 * cost.drain)),
    ]


def _objectives(capacity: CapacityPart) -> Section:
    """What was asked for, and what the highest load that held gave."""
    best = {each.strategy: _best(each) for each in capacity.strategies}
    head = ["objective", "at most", *best]
    rows = [
        [
            Cell(f"p{objective.percentile:g} {objective.operation.replace('_', ' ')}"),
            Cell(milliseconds(1000 * objective.seconds)),
            *(_reached(objective, stage) for stage in best.values()),
        ]
        for objective in capacity.objectives
    ]
    budget = [_errors(stage, capacity.error_budget) for stage in best.values()]
    rows.append([Cell("errors"), Cell(f"{100 * capacity.error_budget:g} %"), *budget])
    lead = "At the highest load that held, counted from the moment a user wanted it."
    return Section("objectives", "Objectives", lead, [Table(head, rows)])


def _best(strategy: StrategyPart) -> StagePart | None:
    held = [each for each in strategy.stages if each.passed and each.kind is not StageKind.CLOSED]
    return max(held, key=lambda each: each.offered, default=None)


def _reached(objective: Objective, stage: StagePart | None) -> Cell:
    found = [] if stage is None else operations_of(stage, objective.operation)
    reached = [each for part in found if (each := _percentile(part, objective.percentile))]
    if not reached:
        return Cell(NOTHING, "nothing")
    worst = max(reached)
    return Cell(milliseconds(1000 * worst), "pass" if worst <= objective.seconds else "fail")


def _errors(stage: StagePart | None, budget: float) -> Cell:
    if stage is None or not stage.requests:
        return Cell(NOTHING, "nothing")
    share = stage.errors / stage.requests
    return Cell(f"{100 * share:.3g} %", "pass" if share <= budget else "fail")


def _percentile(part: OperationPart, percentile: float) -> float:
    """Return a corrected percentile in seconds; one that is not written down is looked up."""
    named = {50.0: "p50", 90.0: "p90", 95.0: "p95", 99.0: "p99", 99.9: "p999", 100.0: "max"}
    if name := named.get(percentile):
        value: float = getattr(part.corrected, name)
        return value
    decoded = HdrHistogram.decode(part.histogram)
    return float(decoded.get_value_at_percentile(percentile)) / 1_000_000


def _over_time(capacity: CapacityPart, faults: Sequence[Band]) -> Section:
    plots = plots_over_time(capacity, faults)
    lead = "A band is a stage; ✗ marks one that did not hold." if plots else ""
    return Section("over-time", "Over time", lead, plots=plots)


def _strategy(strategy: StrategyPart, capacity: CapacityPart) -> Section:
    """One strategy: what each load cost, and every stage."""
    return Section(
        f"strategy-{strategy.strategy}",
        f"With {strategy.strategy}",
        tables=[_stages(strategy, capacity)] if strategy.stages else [],
        plots=plots_of_strategy(strategy, capacity),
    )


def _stages(strategy: StrategyPart, capacity: CapacityPart) -> Table:
    operation = capacity.objectives[0].operation if capacity.objectives else "accept"
    head = ["stage", "repeat", "load", "verdict", "achieved", "runs in flight", "dropped", "errors"]
    head += [f"p95 {operation.replace('_', ' ')}", "why"]
    rows = [
        [
            Cell(f"{each.number} {each.kind}"),
            Cell(str(each.repeat)),
            Cell(_stage_load(each)),
            Cell("held", "pass") if each.passed else Cell("did not hold", "warn"),
            Cell(f"{number(each.achieved)}/s"),
            Cell(f"{each.in_flight_begin} to {each.in_flight_end}"),
            Cell(f"{each.dropped:,}", "fail" if each.dropped else ""),
            Cell(f"{each.errors:,}", "fail" if each.errors else ""),
            _worst(operations_of(each, operation)),
            Cell("; ".join(each.reasons[:_REASONS]), "words"),
        ]
        for each in strategy.stages
    ]
    return Table(head, rows, frozenset({len(head) - 1}))


def _stage_load(stage: StagePart) -> str:
    if stage.kind is StageKind.CLOSED:
        return times(stage.users, "user")
    return f"{number(stage.offered)}/s"


def _worst(parts: Iterable[OperationPart]) -> Cell:
    values = [each.corrected.p95 for each in parts]
    return Cell(milliseconds(1000 * max(values))) if values else Cell(NOTHING, "nothing")


def _generator(capacity: CapacityPart) -> Section:
    """How the generator itself did: a figure that it could not make is none."""
    calibration = capacity.calibration
    rows = []
    if calibration is not None:
        told = _generator_cells(calibration.generator)
        rows.append([Cell("without a server"), Cell(f"{number(calibration.rate)}/s"), *told])
    for strategy in capacity.strategies:
        if stages := [each for each in strategy.stages if each.kind is not StageKind.CLOSED]:
            worst = max(stages, key=lambda each: each.generator.send_lag_p99)
            load = f"{number(worst.offered)}/s"
            cells = _generator_cells(worst.generator)
            rows.append(
                [Cell(f"{strategy.strategy}, worst stage", strategy.strategy), Cell(load), *cells]
            )
    lead = "One process. " if capacity.workers == 1 else f"{capacity.workers} processes. "
    lead += "Where it could not keep up nothing is said of the server."
    head = ["generator", "load", "send lag p99", "CPU of one process", "kept up"]
    return Section("generator", "The generator", lead, [Table(head, rows)] if rows else [])


def _generator_cells(part: GeneratorPart) -> list[Cell]:
    return [
        Cell(milliseconds(1000 * part.send_lag_p99)),
        Cell(f"{100 * part.cpu:.0f} %"),
        Cell("yes", "pass") if part.kept_up else Cell("no", "fail"),
    ]


def _rate(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.3g}"


def _range(strategy: StrategyPart) -> str:
    if strategy.low is None or strategy.high is None:
        return NOTHING
    return f"{_rate(strategy.low)} to {_rate(strategy.high)}"
