"""One thread of a history, read and indexed once, so that every check is a few lines."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from typing import TypeVar

from outrigger_loadtests.history.operations import (
    Action,
    Cancelled,
    Created,
    Faulted,
    HistoryRead,
    Opened,
    Operation,
    Outcome,
    RunRow,
    RunsRead,
    Settled,
    StateRead,
    Strategy,
    ThreadRead,
)
from outrigger_loadtests.marks import steps_by_token
from outrigger_loadtests.models.disturbances import Disturbances
from outrigger_loadtests.models.run import FOREVER, Run
from outrigger_loadtests.models.segment import Chain

Kind = TypeVar("Kind", bound=Operation)

CONFLICT = 409
NOT_FOUND = 404
TOO_MANY = 429
CUTTING = frozenset({Strategy.INTERRUPT, Strategy.ROLLBACK})


@dataclass(frozen=True)
class Thread:
    """What is known of one thread. `runs` are in the order the server created them.

    `refused` are creates that surely made no run, `unresolved` those of which nobody knows.
    `unexplained` are runs the server lists that no create of this history made. `disturbances` are
    the times of the `faults`. `stalled` is how many seconds of the thread's time the client itself
    stood still.
    """

    opened: Opened
    runs: Sequence[Run]
    refused: Sequence[Created]
    unresolved: Sequence[Created]
    unexplained: Sequence[RunRow]
    chain: Chain
    states: Sequence[StateRead]
    statuses: Sequence[ThreadRead]
    cancels: Sequence[Cancelled]
    faults: Sequence[Faulted]
    disturbances: Disturbances
    stalled: float
    settled: Settled | None
    run_list: RunsRead | None
    history: HistoryRead | None
    last_state: StateRead | None
    last_thread: ThreadRead | None

    @property
    def name(self) -> str:
        """The conversation's name in the plan."""
        return self.opened.thread

    @property
    def blocks(self) -> bool:
        """Whether its runs block the server's graphs, so that times say nothing."""
        return "blocking" in self.opened.probe

    @property
    def prompt(self) -> bool:
        """Whether its runs stop as soon as they are told to."""
        return "async" in self.opened.probe

    @cached_property
    def by_id(self) -> dict[str, Run]:
        """The runs by run id."""
        return {run.run_id: run for run in self.runs}

    @cached_property
    def by_token(self) -> dict[str, Run]:
        """The runs by token."""
        return {run.token: run for run in self.runs}

    @cached_property
    def newcomers(self) -> Sequence[Created]:
        """Creates that made a run or may have, in the order they were sent."""
        made = [run.create for run in self.runs] + list(self.unresolved)
        return sorted(made, key=lambda create: create.invoked)

    def runs_of(self, strategy: Strategy) -> list[Run]:
        """Return the runs created with this strategy, in the server's order."""
        return self._by_strategy.get(strategy, [])

    def refusals_of(self, strategy: Strategy) -> list[Created]:
        """Return the creates with this strategy that the server refused.

        Not those it had no room for, nor those that never reached it.
        """
        return [
            each
            for each in self.refused
            if each.strategy is strategy and each.code not in {0, TOO_MANY}
        ]

    def met(self, create: Created) -> list[Run]:
        """Return the runs that were surely in flight while `create` was being accepted."""
        stop = returned(create)
        return [
            run
            for run in self._touching(create.invoked, stop)
            if run.token != create.token and run.surely_in_flight(create.invoked, stop)
        ]

    def may_have_met(self, create: Created) -> list[Run]:
        """Return the runs that may have been in flight while `create` was being answered."""
        touching = self._touching(create.invoked, returned(create))
        return [run for run in touching if run.token != create.token]

    def surely_in_flight(self, start: int, stop: int) -> list[Run]:
        """Return the runs that were in flight at every moment of the interval."""
        return [run for run in self._touching(start, stop) if run.surely_in_flight(start, stop)]

    def state_after(self, moment: int) -> StateRead | None:
        """Return the first read of the state that was sent after a moment."""
        place = bisect_right(self._state_times, moment)
        return self.states[place] if place < len(self.states) else None

    def steps_in(self, state: StateRead, run: Run) -> list[str]:
        """Return the steps that the run itself had written when the state was read."""
        index = self._steps_of_states.get(id(state))
        if index is None:
            index = self._steps_of_states[id(state)] = steps_by_token(state.log)
        return run.own(index.get(run.token, []))

    def cutters(self, run: Run, strategy: Strategy | None = None) -> list[Created]:
        """Return the newcomers that may have hit the run: all that cut, or those of a strategy."""
        if not self._cutting_creates:
            return []
        found = self._cutters_of_runs.get(run.run_id)
        if found is None:
            found = self._cutters_of_runs[run.run_id] = [
                each
                for each in self._cutting_creates
                if each.invoked < run.end
                and run.begin < returned(each)
                and each.token != run.token
                and not self._surely_older(each, run)
            ]
        if strategy is None:
            return found
        return [each for each in found if each.strategy is strategy]

    def victims(self, strategy: Strategy) -> list[tuple[Run, Run]]:
        """Return every newcomer of a strategy with each run that it surely met.

        It surely met what was in flight all the while it was being accepted, and what was cut and
        can have been cut by nobody else; where several newcomers may have done it, the last one
        sent is named.
        """
        return [pair for pair in self._victims if pair[0].strategy is strategy]

    @cached_property
    def _victims(self) -> list[tuple[Run, Run]]:
        found = []
        for create in self._cutting_creates:
            newcomer = self.by_token.get(create.token)
            if newcomer is not None and newcomer.accepted and create.completed is not None:
                found += [(newcomer, victim) for victim in self.met(create)]
        for victim in self.runs:
            if not (victim.interrupted or victim.gone) or victim.cancels or victim.deletes:
                continue
            cutters = self.cutters(victim)
            if cutters and all(each.strategy is cutters[0].strategy for each in cutters):
                last = self.by_token.get(max(cutters, key=lambda each: each.invoked).token)
                if last is not None and last.accepted:
                    found.append((last, victim))
        return found

    @cached_property
    def starts(self) -> list[tuple[Run, str]]:
        """The successes after the first, each with a mark of one before that it began without.

        Empty for none; runs that were sent for later say nothing about order.
        """
        found: list[tuple[Run, str]] = []
        furthest, newest = -1, ""  # of the marks of the successes so far, in the newest log
        astray: list[str] = []  # those of their marks that it does not hold at all
        for run in self.runs:
            if not run.succeeded or run.create.after_seconds:
                continue
            if run.segment and (newest or astray):
                missed = newest if furthest >= self.chain.base_length(run.segment) else ""
                if astray and not missed and not self.chain.holds(run.segment, astray):
                    missed = astray[0]
                found.append((run, missed))
            for each in run.expected_marks:
                position = self.chain.position.get(each)
                if position is None:
                    astray.append(each)
                elif position > furthest:
                    furthest, newest = position, each
        return found

    def may_be_interrupted(self, run: Run) -> bool:
        """Whether something in the history may have interrupted the run."""
        asked = (each.outcome is not Outcome.FAIL for each in run.cancels)
        return any(asked) or bool(self.cutters(run))

    def may_be_removed(self, run: Run) -> bool:
        """Whether something in the history may have rolled the run back or deleted it."""
        asked = [each for each in run.cancels if each.action is Action.ROLLBACK]
        hit = any(each.outcome is not Outcome.FAIL for each in (*asked, *run.deletes))
        return hit or bool(self.cutters(run, Strategy.ROLLBACK))

    def undisturbed(self, run: Run) -> bool:
        """Whether nothing in the history can have kept the run from its end."""
        return not (self.may_be_interrupted(run) or self.may_be_removed(run))

    @cached_property
    def may_roll_back(self) -> bool:
        """Whether anything in the history may have taken marks away again."""
        asked = any(each.action is Action.ROLLBACK for each in self.cancels)
        asked = asked or any(run.deletes for run in self.runs)
        return asked or any(each.strategy is Strategy.ROLLBACK for each in self._cutting_creates)

    @cached_property
    def _by_strategy(self) -> dict[Strategy, list[Run]]:
        found: dict[Strategy, list[Run]] = {}
        for run in self.runs:
            found.setdefault(run.strategy, []).append(run)
        return found

    @cached_property
    def _cutters_of_runs(self) -> dict[str, list[Created]]:
        return {}

    @cached_property
    def _state_times(self) -> list[int]:
        return [each.invoked for each in self.states]

    @cached_property
    def _steps_of_states(self) -> dict[int, dict[str, list[str]]]:
        return {}

    @cached_property
    def _cutting_creates(self) -> list[Created]:
        return [each for each in self.newcomers if each.strategy in CUTTING]

    def _surely_older(self, create: Created, run: Run) -> bool:
        """Whether the create's run came first; a run for later may have come any time."""
        other = self.by_token.get(create.token)
        if other is None or create.after_seconds or run.create.after_seconds:
            return False
        return bool(other.created_at) and other.created_at < run.created_at

    @cached_property
    def _by_begin(self) -> tuple[list[Run], list[int], list[int]]:
        runs = sorted(self.runs, key=lambda run: run.begin)
        return runs, [run.begin for run in runs], list(accumulate((r.end for r in runs), max))

    def _touching(self, start: int, stop: int) -> list[Run]:
        """Return the runs possibly in flight at some moment of the interval: O(log n + those)."""
        runs, begins, latest_ends = self._by_begin
        found = []
        for number in range(bisect_right(begins, stop) - 1, -1, -1):
            if latest_ends[number] < start:
                break
            if runs[number].possibly_in_flight(start, stop):
                found.append(runs[number])
        return found


def returned(operation: Operation) -> int:
    """Return when the operation was answered; never, if nobody answered."""
    return FOREVER if operation.completed is None else operation.completed


def microseconds(created_at: str) -> int:
    """Return a moment of the server's clock in microseconds; 0 for one it did not tell."""
    try:
        moment = datetime.fromisoformat(created_at)
    except ValueError:
        return 0
    return int(moment.timestamp() * 1_000_000)
