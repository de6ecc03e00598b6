"""Outcomes of capacity tests as one would write them, with figures of a test's choice."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from hdrh.histogram import HdrHistogram

from outrigger_loadtests.report.capacity_json import (
    CalibrationPart,
    CapacityPart,
    CapacityVerdict,
    CostPart,
    GeneratorPart,
    Objective,
    OperationPart,
    Percentiles,
    RepeatPart,
    SamplePart,
    StageKind,
    StagePart,
    StrategyPart,
    UslPart,
)
from outrigger_loadtests.report.files import write_report
from outrigger_loadtests.report.outcome import CheckReport, Target
from outrigger_loadtests.verdict import Examination

KEEPS_UP = GeneratorPart(send_lag_p99=0.002, cpu=0.4, kept_up=True)
OBJECTIVE = Objective(operation="first_event", percentile=95.0, seconds=0.5)
STAGE_SECONDS = 10.0


def latencies(milliseconds: float) -> Percentiles:
    """Percentiles around a middle."""
    factors = (1.1, 1.0, 1.4, 1.6, 2.0, 2.5, 3.0)
    return Percentiles(
        *(),
        **dict(
            zip(
                Percentiles.__struct_fields__,
                (f * milliseconds / 1000 for f in factors),
                strict=True,
            )
        ),
    )


def histogram(milliseconds: float) -> str:
    """A thousand times around a middle, as they are written down."""
    drawn, chance = HdrHistogram(1, 3_600_000_000, 3), Random(7)
    for _ in range(1000):
        drawn.record_value(max(1, int(1000 * milliseconds * chance.lognormvariate(0, 0.3))))
    written: bytes = drawn.encode()
    return written.decode()


def stage(number: int, strategy: str, offered: float, limit: float, users: int = 0) -> StagePart:
    """A stage against a server that holds `limit` conversations a second."""
    passed = offered <= limit
    took = 40 / max(0.02, 1 - min(0.98, offered / (limit * 1.2)))
    measured = OperationPart(
        operation=OBJECTIVE.operation,
        strategy=strategy,
        count=1000,
        corrected=latencies(took),
        uncorrected=latencies(min(took, 60)),
        histogram=histogram(took),
    )
    reached = min(offered, limit)
    return StagePart(
        number=number,
        repeat=1,
        kind=StageKind.CLOSED if users else StageKind.GEOMETRIC,
        began=STAGE_SECONDS * number,
        ended=STAGE_SECONDS * (number + 1),
        users=users,
        offered=offered,
        achieved=reached,
        arrivals=int(offered * STAGE_SECONDS),
        completed=int(reached * STAGE_SECONDS),
        dropped=0 if passed else 3,
        in_flight_begin=2,
        in_flight_end=2 if passed else 40,
        in_flight_most=4 if passed else 44,
        requests=2000,
        errors=0,
        checked=50,
        failures=0,
        passed=passed,
        reasons=() if passed else ("first event p95 is over 500 ms", "in flight grows"),
        generator=KEEPS_UP,
        cost=CostPart(refused_share=0.0, wasted_share=0.1, goodput=reached, drain=0.4),
        operations=(measured,),
    )


def strategy_part(strategy: str, capacities: Sequence[float], first: int = 0) -> StrategyPart:
    """A strategy whose repeats found these capacities."""
    middle = sorted(capacities)[len(capacities) // 2]
    loads = [middle / 2, middle * 0.8, middle, middle * 1.2]
    stages = [stage(first + n, strategy, load, middle) for n, load in enumerate(loads)]
    closed = [
        stage(first + len(loads) + n, strategy, middle * (1 - 0.5**users), middle, users)
        for n, users in enumerate((1, 2, 4, 8))
    ]
    repeats = tuple(
        RepeatPart(number=n, seed=n, capacity=each, stages=tuple(range(len(loads))))
        for n, each in enumerate(capacities, 1)
    )
    return StrategyPart(
        strategy=strategy,
        verdict=CapacityVerdict.PASS,
        capacity=middle,
        low=min(capacities),
        high=max(capacities),
        runs=3 * middle,
        reason="",
        repeats=repeats,
        stages=(*stages, *closed),
        usl=UslPart(gamma=middle / 2, alpha=0.4, beta=0.01, fit=0.98, knee=7.7, peak=middle),
        cost=stages[2].cost,
    )


def capacity_part(found: dict[str, Sequence[float]]) -> CapacityPart:
    """A capacity test that found these capacities, by strategy."""
    strategies = tuple(
        strategy_part(strategy, capacities, 8 * n)
        for n, (strategy, capacities) in enumerate(found.items())
    )
    return CapacityPart(
        verdict=CapacityVerdict.PASS,
        objectives=(OBJECTIVE,),
        error_budget=0.01,
        target=None,
        workers=1,
        server={"version": "0.1.0", "langgraph": "1.2.22"},
        calibration=CalibrationPart(rate=1000.0, arrivals=5000, generator=KEEPS_UP),
        strategies=strategies,
        samples=tuple(_samples(strategies)),
    )


def _samples(strategies: Iterable[StrategyPart]) -> Iterable[SamplePart]:
    for stages in (each.stages for each in strategies):
        for each in stages:
            for second in range(int(STAGE_SECONDS)):
                yield SamplePart(
                    at=each.began + second,
                    offered=each.offered,
                    achieved=each.achieved,
                    in_flight=2 + (0 if each.passed else 4 * second),
                    dropped=0 if each.passed else second % 2,
                    errors=0,
                )


def capacity_report(found: dict[str, Sequence[float]], **parameters: object) -> CheckReport:
    """The outcome of such a test; every promise was kept."""
    return CheckReport(
        version="0.1.0",
        started_at="2026-01-02T03:04:05+00:00",
        duration=80.0,
        target=Target("http://127.0.0.1:8123", "0.1.0", "outrigger"),
        parameters={"repeats": 3, "seed": 7, **parameters},  # type: ignore[dict-item]
        threads=50,
        operations=5000,
        promises={"G1": "an accepted run ends"},
        examinations={("G1", name): Examination(50) for name in found},
        repeat="outrigger-loadtest capacity --host http://127.0.0.1:8123 --seed 7",
        capacity=capacity_part(found),
    )


def written_capacity(folder: Path, report: CheckReport) -> Path:
    """Write the folder of such a test."""
    write_report(report, folder)
    return folder


def with_finding(
    report: CheckReport, key: tuple[str, str], examination: Examination
) -> CheckReport:
    """The same, and one more examination."""
    return replace(report, examinations={**report.examinations, key: examination})
