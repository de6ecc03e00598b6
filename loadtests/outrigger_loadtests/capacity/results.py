"""What all workers' shares of a stage come to together: does it hold, and if not, why?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from outrigger_loadtests.capacity.settings import Limits
from outrigger_loadtests.generator.stage import Order, Outcome, Standing
from outrigger_loadtests.measures.buckets import added
from outrigger_loadtests.measures.histograms import Histogram, Latencies
from outrigger_loadtests.measures.tally import Counts
from outrigger_loadtests.report.capacity_json import (
    CostPart,
    GeneratorPart,
    OperationPart,
    Percentiles,
    StageKind,
    StagePart,
)

LEAST_ACHIEVED = 0.98  # of what was asked for in the measured time; less, and it piles up
GROWS = "it grows"
GROWTH_FLOOR = 5  # runs in flight more than before are no growth
LEAST_DOUBTFUL = 0.95  # so much done may be chance where people come by chance, too
CHANCE = 2.5  # deviations by which their number changes where people come by chance
PERCENT = 95.0


@dataclass
class Result:
    """The outcomes of all workers, added up; the generator is as good as its worst worker."""

    arrivals: int
    completed: int
    dropped: int
    in_flight_most: int
    drained: float
    counts: Counts
    latencies: Latencies
    send_lag: float
    cpu: float
    checked: bytes
    unfinished: frozenset[str]


def merged(outcomes: Sequence[Outcome]) -> Result:
    """Add up the outcomes of all workers."""
    counts, latencies, lag = Counts(), Latencies(), 0.0
    for each in outcomes:
        counts.add(Counts(**each.counts))
        latencies.add_encoded(each.latencies)
        lag = max(lag, Histogram(each.send_lag).percentile(99))
    return Result(
        arrivals=sum(each.arrivals for each in outcomes),
        completed=sum(each.completed for each in outcomes),
        dropped=sum(each.dropped for each in outcomes),
        in_flight_most=sum(each.in_flight_most for each in outcomes),
        drained=max((each.drained for each in outcomes), default=0.0),
        counts=counts,
        latencies=latencies,
        send_lag=lag,
        cpu=max((each.cpu for each in outcomes), default=0.0),
        checked=b"".join(each.checked for each in outcomes),
        unfinished=frozenset(name for each in outcomes for name in each.unfinished),
    )


def generator_part(result: Result, limits: Limits) -> GeneratorPart:
    """Return how the generator did."""
    kept_up = result.send_lag <= limits.send_lag and result.cpu <= limits.cpu
    return GeneratorPart(send_lag_p99=result.send_lag, cpu=result.cpu, kept_up=kept_up)


def objections(
    result: Result, objectives: Mapping[str, float], error_budget: float, failures: int
) -> tuple[str, ...]:
    """Return why a load does not hold; empty when it does."""
    found = []
    for operation, seconds in objectives.items():
        took = result.latencies.corrected(operation)
        if took.percentile(PERCENT) > seconds:
            found.append(f"{operation} p95 {took.percentile(PERCENT):.3f} s is over {seconds:g} s")
    counts = result.counts
    failed, all_of_them = counts.errors + result.dropped, counts.requests + result.dropped
    if failed > error_budget * all_of_them:
        found.append(f"{failed} of {all_of_them} requests failed or were dropped")
    if _grows(counts):
        found.append(f"only {achieved_share(counts):.1%} of what was asked for was done: {GROWS}")
    if not counts.requests:
        found.append("nothing was asked for in the measured time")
    if failures:
        found.append(f"the checker found {failures} broken promises")
    return tuple(found)


def _grows(counts: Counts) -> bool:
    """Whether more was on its way at the end than at the beginning, and not by chance alone.

    Numbers of arrivals vary by their root; so do those of who is on his way.
    """
    growth = counts.flying_end - counts.flying_begin
    by_chance = CHANCE * math.sqrt(counts.flying_begin + counts.flying_end)
    return growth > max(GROWTH_FLOOR, by_chance) and achieved_share(counts) < LEAST_ACHIEVED


def achieved_share(counts: Counts) -> float:
    """Return which share of the runs asked for was done; growth is what is left."""
    growth = counts.flying_end - counts.flying_begin
    return 1.0 if not counts.requested else min(1.0, 1 - growth / counts.requested)


def may_be_chance(stage: StagePart) -> bool:
    """Whether a load failed for nothing but growing, and so little that another try may differ."""
    grew_only = len(stage.reasons) == 1 and stage.reasons[0].endswith(GROWS)
    return grew_only and stage.achieved >= LEAST_DOUBTFUL * stage.offered


@dataclass(frozen=True)
class Frame:
    """Where a stage stands in its test; moments are seconds since that began."""

    number: int
    repeat: int
    kind: StageKind
    began: float
    ended: float


def stage_part(
    frame: Frame,
    order: Order,
    result: Result,
    generator: GeneratorPart,
    judged: tuple[int, int],
    reasons: tuple[str, ...],
) -> StagePart:
    """Return a stage as the report has it; `judged` are checked conversations and failures."""
    counts = result.counts
    offered = result.completed / order.seconds if order.users else order.rate
    return StagePart(
        number=frame.number,
        repeat=frame.repeat,
        kind=frame.kind,
        began=frame.began,
        ended=frame.ended,
        users=order.users,
        offered=offered,
        achieved=offered * achieved_share(counts),
        arrivals=result.arrivals,
        completed=result.completed,
        dropped=result.dropped,
        in_flight_begin=counts.flying_begin,
        in_flight_end=counts.flying_end,
        in_flight_most=result.in_flight_most,
        requests=counts.requests,
        errors=counts.errors,
        checked=judged[0],
        failures=judged[1],
        passed=generator.kept_up and not reasons,
        reasons=reasons if generator.kept_up else ("the generator could not keep up", *reasons),
        generator=generator,
        cost=_cost(result, order),
        operations=tuple(
            operation_part(result.latencies, *key) for key in result.latencies.counted()
        ),
    )


def _cost(result: Result, order: Order) -> CostPart:
    counts = result.counts
    return CostPart(
        refused_share=counts.refused / counts.creates if counts.creates else 0.0,
        wasted_share=counts.wasted / counts.worked if counts.worked else 0.0,
        goodput=counts.good / order.measured,
        drain=result.drained,
    )


def operation_part(latencies: Latencies, operation: str, strategy: str) -> OperationPart:
    """Return one operation with one strategy."""
    corrected, uncorrected = latencies.of(operation, strategy)
    return OperationPart(
        operation=operation,
        strategy=strategy,
        count=corrected.count,
        corrected=_percentiles(corrected),
        uncorrected=_percentiles(uncorrected),
        histogram=corrected.encoded(),
    )


def _percentiles(histogram: Histogram) -> Percentiles:
    p50, p90, p95, p99, p999 = histogram.percentiles(50, 90, 95, 99, 99.9)
    return Percentiles(
        mean=histogram.mean, p50=p50, p90=p90, p95=p95, p99=p99, p999=p999, max=histogram.most
    )


def summed(standings: Sequence[Standing]) -> Standing:
    """Add up where the workers stand."""
    return Standing(
        at=max((each.at for each in standings), default=0.0),
        offered=sum(each.offered for each in standings),
        achieved=sum(each.achieved for each in standings),
        in_flight=sum(each.in_flight for each in standings),
        dropped=sum(each.dropped for each in standings),
        errors=sum(each.errors for each in standings),
        send_lag=max((each.send_lag for each in standings), default=0.0),
        latencies=added(*(each.latencies for each in standings)),
    )
