"""A capacity test: calibrate, search for each strategy, again and again, then the closed stages.

It knows neither Locust nor a clock: a fleet holds the stages, a judge looks at what was checked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import zip_longest
from statistics import median
from typing import Protocol

import msgspec

from outrigger_loadtests.behaviour.file import shipped
from outrigger_loadtests.behaviour.profile import Behaviour, Conversation, Mix, Think
from outrigger_loadtests.capacity.results import (
    Frame,
    Result,
    generator_part,
    may_be_chance,
    merged,
    objections,
    stage_part,
    summed,
)
from outrigger_loadtests.capacity.search import PRECISION, Search
from outrigger_loadtests.capacity.settings import CapacitySettings
from outrigger_loadtests.capacity.usl import fit
from outrigger_loadtests.generator.stage import NUMBERS, Order, Outcome, Standing
from outrigger_loadtests.measures.tally import TOTAL
from outrigger_loadtests.report.capacity_json import (
    CalibrationPart,
    CapacityVerdict,
    RepeatPart,
    SamplePart,
    StageKind,
    StagePart,
    StrategyPart,
)

CALIBRATION_RATE = 1000.0
CALIBRATION_SECONDS = 2.0
TRIES = 3  # of a stage in which the generator could not keep up
AGAIN = 1.1  # later searches begin so much below what the first one found
CLOSED = Behaviour(
    name="closed",
    mix=Mix(single=1.0),
    conversation=Conversation(runs=(1, 1), seconds=(0.1, 0.1), think=Think(median=0.0, sigma=0.0)),
)


class Fleet(Protocol):
    """The workers that hold a stage together."""

    workers: int
    stopped: bool

    def hold(self, order: Order) -> list[Outcome]:
        """Hold a stage, each worker its share, and return when all of them are done.

        Raises:
            WorkerLost: One of them went away or did not answer; there will be no more stages.
        """
        ...


Judge = Callable[[Result], tuple[int, int]]  # how many conversations it looked at, FAIL findings


class Screen(Protocol):
    """Where it is seen how far the test is."""

    def begin(self, order: Order) -> None:
        """Say which stage begins."""
        ...

    def end(self, stage: StagePart) -> None:
        """Say what came of a stage."""
        ...


class WorkerLost(Exception):
    """A worker went away or did not tell what came of its stage."""

    def __init__(self) -> None:
        super().__init__("a worker was lost or did not answer")


class Broken(Exception):
    """The search cannot go on; the message says why."""

    def __init__(self, verdict: CapacityVerdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict


@dataclass
class _Findings:
    """What is known of one strategy so far."""

    label: str
    stages: list[StagePart] = field(default_factory=list)
    repeats: list[RepeatPart] = field(default_factory=list)
    reason: str = ""


class Trial:
    """One capacity test. `now` tells seconds since it began."""

    def __init__(
        self,
        settings: CapacitySettings,
        fleet: Fleet,
        judge: Judge,
        now: Callable[[], float],
        screen: Screen,
    ) -> None:
        self.samples: list[SamplePart] = []
        self._settings = settings
        self._fleet = fleet
        self._judge = judge
        self._now = now
        self._screen = screen
        self._stages = 0

    def calibrate(self) -> CalibrationPart:
        """Let the generator begin conversations that do nothing; how well it does, of three times.

        What it does not hold by itself says nothing about a server.
        """
        found = []
        for _ in range(TRIES):
            order = self._order("enqueue", 0, shipped("default"))
            order = _with(
                order, rate=CALIBRATION_RATE, measured=CALIBRATION_SECONDS, warm_up=0.0, idle=True
            )
            self._screen.begin(order)
            result = merged(self._fleet.hold(order))
            generator = generator_part(result, self._settings.limits)
            found.append(
                CalibrationPart(
                    rate=CALIBRATION_RATE, arrivals=result.arrivals, generator=generator
                )
            )
            if generator.kept_up:
                break
        return found[-1]

    def measure(self, label: str) -> StrategyPart:
        """Find how much the server holds with a strategy, or why that stays unknown."""
        known = _Findings(label)
        try:
            for repeat in range(1, self._settings.repeats + 1):
                known.repeats.append(self._search(known, repeat))
                if known.repeats[-1].capacity is None:
                    break
            self._hold_closed(known)
        except Broken as broken:
            return _unknown(known, broken)
        except WorkerLost as lost:
            self._fleet.stopped = True
            return _unknown(known, Broken(CapacityVerdict.INCONCLUSIVE, str(lost)))
        return self._strategy(known)

    def _search(self, known: _Findings, repeat: int) -> RepeatPart:
        settings = self._settings
        before = known.repeats[0].capacity if known.repeats else None
        search = Search(settings.start, settings.most)
        if before is not None:
            search = Search(before / AGAIN, settings.most, AGAIN * AGAIN, PRECISION)
        numbers = []
        while (rate := search.rate) is not None:
            stage = self._try_rate(known, rate, repeat, search.kind)
            numbers.append(stage.number)
            if may_be_chance(stage):
                stage = self._try_rate(known, rate, repeat, search.kind)
                numbers.append(stage.number)
            search.tell(rate, held=stage.passed)
        if search.holds is not None and search.breaks is None:
            known.reason = f"it held {settings.most:g}/s, the --max-rate: it may hold more"
        return RepeatPart(
            number=repeat,
            seed=settings.check.seed + repeat,
            capacity=search.holds,
            stages=tuple(numbers),
        )

    def _try_rate(self, known: _Findings, rate: float, repeat: int, kind: StageKind) -> StagePart:
        order = _with(self._order(known.label, repeat, self._settings.behaviour), rate=rate)
        return self._try(known, order, repeat, kind)

    def _hold_closed(self, known: _Findings) -> None:
        if known.repeats[-1].capacity is None:
            return
        for users in self._settings.users:
            order = _with(self._order(known.label, 0, CLOSED), users=users)
            self._try(known, order, 0, StageKind.CLOSED)

    def _try(
        self, known: _Findings, order: Order, repeat: int, kind: StageKind, tries: int = TRIES
    ) -> StagePart:
        """Hold a stage, again where the generator could not keep up.

        Raises:
            Broken: It never could, a promise was broken, or somebody stopped it.
            WorkerLost: A worker went away.
        """
        stage = self._hold(known, order, repeat, kind)
        if stage.failures:
            reason = f"{stage.failures} broken promises in stage {stage.number}"
            raise Broken(CapacityVerdict.FAIL, reason)
        if self._fleet.stopped:
            raise Broken(CapacityVerdict.INCONCLUSIVE, "it was stopped early")
        if stage.requests and stage.errors >= stage.requests:
            reason = f"every request failed in stage {stage.number}: is the server still there?"
            raise Broken(CapacityVerdict.INCONCLUSIVE, reason)
        if stage.generator.kept_up:
            return stage
        if tries > 1:
            again = _with(self._order(order.label, repeat, order.behaviour), like=order)
            return self._try(known, again, repeat, kind, tries - 1)
        generator = stage.generator
        raise Broken(
            CapacityVerdict.INCONCLUSIVE,
            f"the generator could not keep up with {stage.offered:.3g}/s: send lag p99 "
            f"{generator.send_lag_p99 * 1000:.1f} ms, {generator.cpu:.0%} of a core",
        )

    def _hold(self, known: _Findings, order: Order, repeat: int, kind: StageKind) -> StagePart:
        settings = self._settings
        self._screen.begin(order)
        began = self._now()
        outcomes = self._fleet.hold(order)
        ended = self._now()
        self._sample(began, outcomes)
        result = merged(outcomes)
        judged = self._judge(result)
        closed = kind is StageKind.CLOSED
        objectives = {} if closed else settings.objectives
        stage = stage_part(
            Frame(order.number, repeat, kind, began, ended),
            order,
            result,
            generator_part(result, settings.limits),
            judged,
            objections(result, objectives, settings.error_budget, judged[1]),
        )
        known.stages.append(stage)
        self._screen.end(stage)
        return stage

    def _order(self, label: str, repeat: int, behaviour: Behaviour) -> Order:
        settings = self._settings
        self._stages += 1
        share = settings.checked_share
        return Order(
            number=self._stages,
            behaviour=behaviour,
            seed=settings.check.seed + repeat,
            label=label,
            probe=f"probe_{settings.check.probes[0]}",
            first_number=self._stages * NUMBERS,
            warm_up=settings.warm_up,
            measured=settings.stage,
            check_every=round(1 / share) if share else 0,
            cap=settings.cap,
            objectives=settings.objectives,
        )

    def _sample(self, began: float, outcomes: list[Outcome]) -> None:
        last = Standing()
        shares = zip_longest(*(each.samples for each in outcomes), fillvalue=None)
        for standings in shares:
            found = summed([each for each in standings if each is not None])
            seconds = max(found.at - last.at, 1e-3)
            self.samples.append(
                SamplePart(
                    at=began + found.at,
                    offered=max(0, found.offered - last.offered) / seconds,
                    achieved=max(0, found.achieved - last.achieved) / seconds,
                    in_flight=found.in_flight,
                    dropped=max(0, found.dropped - last.dropped),
                    errors=max(0, found.errors - last.errors),
                )
            )
            last = found

    def _strategy(self, known: _Findings) -> StrategyPart:
        target = self._settings.target
        found = [each.capacity for each in known.repeats if each.capacity is not None]
        capacity = median(found) if len(found) == len(known.repeats) else None
        verdict, reason = CapacityVerdict.PASS, known.reason
        if capacity is None:
            verdict, reason = CapacityVerdict.SLO_MISS, "no load held the objectives"
        elif target is not None and capacity < target:
            verdict = CapacityVerdict.SLO_MISS
            reason = f"less than the {target:g}/s that were asked for"
        best, seconds = _best(known.stages), self._settings.stage
        closed = [each for each in known.stages if each.users]
        return StrategyPart(
            strategy=known.label,
            verdict=verdict,
            capacity=capacity,
            low=min(found, default=None) if capacity else None,
            high=max(found, default=None) if capacity else None,
            runs=_runs(best, capacity, seconds),
            reason=reason,
            repeats=tuple(known.repeats),
            stages=tuple(known.stages),
            usl=fit([(each.users, _run_rate(each, seconds)) for each in closed]),
            cost=best.cost if best else None,
        )


def _with(order: Order, *, like: Order | None = None, **fields: object) -> Order:
    """Return the order with other fields, or with the load of another one."""
    if like is not None:
        fields = {"rate": like.rate, "users": like.users}
    return msgspec.structs.replace(order, **fields)


def _unknown(known: _Findings, broken: Broken) -> StrategyPart:
    best = _best(known.stages)
    held = f"; it held {best.offered:.3g}/s" if best else ""
    return StrategyPart(
        strategy=known.label,
        verdict=broken.verdict,
        capacity=None,
        low=None,
        high=None,
        runs=None,
        reason=f"{broken}{held}",
        repeats=tuple(known.repeats),
        stages=tuple(known.stages),
        usl=None,
        cost=best.cost if best else None,
    )


def _best(stages: list[StagePart]) -> StagePart | None:
    """Return the highest load that held."""
    held = [each for each in stages if each.passed and not each.users]
    return max(held, key=lambda each: each.offered, default=None)


def _run_rate(stage: StagePart, seconds: float) -> float:
    """Return how many accepted runs a second were asked for in a stage's measured seconds."""
    return sum(each.count for each in stage.operations if each.operation == TOTAL) / seconds


def _runs(best: StagePart | None, capacity: float | None, seconds: float) -> float | None:
    if best is None or capacity is None or not best.offered:
        return None
    return _run_rate(best, seconds) * capacity / best.offered
