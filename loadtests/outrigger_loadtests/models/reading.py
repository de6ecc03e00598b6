"""Reads the operations of one thread into a `Thread`.

Reading never fails on what a server did: what cannot be told apart stays unknown.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import TypeVar

from outrigger_loadtests.history.operations import (
    GONE,
    AnyOperation,
    Cancelled,
    Created,
    Deleted,
    Faulted,
    HistoryRead,
    Joined,
    Opened,
    Operation,
    Outcome,
    RunRead,
    RunRow,
    RunsRead,
    Settled,
    Stalled,
    StateRead,
    Streamed,
    ThreadRead,
)
from outrigger_loadtests.marks import ANSWER, LAST, steps_by_token, token_of
from outrigger_loadtests.models.disturbances import Disturbances
from outrigger_loadtests.models.run import FOREVER, NANOSECONDS, Observation, Run
from outrigger_loadtests.models.segment import Chain
from outrigger_loadtests.models.thread import Thread, microseconds, returned

OnRun = Cancelled | Deleted | Streamed | Joined
Kind = TypeVar("Kind", bound=Operation)
Target = TypeVar("Target", Cancelled, Deleted, Streamed, Joined)


def read_thread(
    operations: Sequence[AnyOperation], general: Sequence[AnyOperation] = ()
) -> Thread | None:
    """Read one thread's operations; None when there is no thread, because it was never opened.

    `general` is what belongs to no thread: faults, and moments in which the client stood still.
    """
    sorted_out = _SortedOut(operations)
    opened = next(iter(sorted_out.of(Opened)), None)
    if opened is None or opened.outcome is not Outcome.OK:
        return None
    beside = _SortedOut(general)
    history = _last_ok(sorted_out.of(HistoryRead))
    run_list = _last_ok(sorted_out.of(RunsRead))
    chain = Chain(history.checkpoints[::-1] if history else ())
    runs, unresolved = _runs(sorted_out, run_list, chain)
    explained = {run.run_id for run in runs}
    rows = run_list.rows if run_list else ()
    ok_states = [each for each in sorted_out.of(StateRead) if each.outcome is Outcome.OK]
    ok_threads = [each for each in sorted_out.of(ThreadRead) if each.outcome is Outcome.OK]
    faults = [*sorted_out.of(Faulted), *beside.of(Faulted)]
    return Thread(
        opened=opened,
        runs=runs,
        refused=[each for each in sorted_out.of(Created) if each.outcome is Outcome.FAIL],
        unresolved=unresolved,
        unexplained=[row for row in rows if row.run_id not in explained],
        chain=chain,
        states=ok_states,
        statuses=ok_threads,
        cancels=sorted_out.of(Cancelled),
        faults=faults,
        disturbances=Disturbances(faults),
        stalled=sum(_overlap(operations, each) for each in beside.of(Stalled)) / NANOSECONDS,
        settled=next(iter(sorted_out.of(Settled)), None),
        run_list=run_list,
        history=history,
        last_state=next((each for each in reversed(ok_states) if each.final), None),
        last_thread=next((each for each in reversed(ok_threads) if each.final), None),
    )


class _SortedOut:
    """A thread's operations by kind, each kind in the order it was sent."""

    def __init__(self, operations: Iterable[AnyOperation]) -> None:
        self._by_kind: defaultdict[type, list[AnyOperation]] = defaultdict(list)
        for each in operations:
            self._by_kind[type(each)].append(each)
        for kind in self._by_kind.values():
            kind.sort(key=attrgetter("invoked"))

    def of(self, kind: type[Kind]) -> list[Kind]:
        return self._by_kind.get(kind, [])  # type: ignore[return-value]

    @cached_property
    def _by_run(self) -> dict[tuple[type, str], list[OnRun]]:
        found: defaultdict[tuple[type, str], list[OnRun]] = defaultdict(list)
        kinds: tuple[type[OnRun], ...] = (Cancelled, Deleted, Streamed, Joined)
        for kind in kinds:
            for each in self.of(kind):
                found[kind, each.run_id].append(each)
        return found

    def on(self, run_id: str, kind: type[Target]) -> list[Target]:
        """Return the operations of the kind on one run."""
        return self._by_run.get((kind, run_id), [])  # type: ignore[return-value]


def _runs(
    operations: _SortedOut, run_list: RunsRead | None, chain: Chain
) -> tuple[list[Run], list[Created]]:
    rows = {row.run_id: row for row in run_list.rows} if run_list else {}
    run_of_token = {row.token: row.run_id for row in rows.values() if row.token}
    for checkpoint in chain.checkpoints:  # for servers that do not list a run's input
        for mark in checkpoint.added[:1]:
            run_of_token.setdefault(token_of(mark), checkpoint.run_id)
    runs, unresolved = [], []
    for create in operations.of(Created):
        run_id = create.run_id or run_of_token.get(create.token, "")
        if create.outcome is Outcome.FAIL:
            continue
        if run_id:
            runs.append(_run(run_id, create, rows.get(run_id), run_list))
        else:
            unresolved.append(create)
    _hand_out(operations, {run.run_id: run for run in runs})
    _read_chain(runs, chain)
    for run in runs:
        run.complete()
    runs.sort(key=_order)
    return runs, unresolved


def _order(run: Run) -> tuple[int, int, str]:
    """Return the place of a run: of those created at the same moment, in the order they wrote."""
    return run.created_at, run.segment.first if run.segment else FOREVER, run.run_id


def _run(run_id: str, create: Created, row: RunRow | None, run_list: RunsRead | None) -> Run:
    created_at = create.created_at or (row.created_at if row else "")
    run = Run(run_id, create, microseconds(created_at), [])
    if run_list is not None:
        run.status = row.status if row else GONE
        run.observations.append(Observation(run_list.invoked, returned(run_list), run.status))
    return run


def _hand_out(operations: _SortedOut, runs: dict[str, Run]) -> None:
    """Give every operation on a run to its run."""
    for read in operations.of(RunRead):
        run = runs.get(read.run_id)
        if run is None or read.outcome is not Outcome.OK:
            continue
        run.observations.append(Observation(read.invoked, returned(read), read.status))
        if not run.created_at:
            run.created_at = microseconds(read.created_at)
    for run in runs.values():
        run.cancels = operations.on(run.run_id, Cancelled)
        run.deletes = operations.on(run.run_id, Deleted)
        run.streams = operations.on(run.run_id, Streamed)
        run.joins = operations.on(run.run_id, Joined)


def _read_chain(runs: Iterable[Run], chain: Chain) -> None:
    """Give every run its checkpoints and its marks."""
    segments = chain.segments()
    steps = steps_by_token(chain.head_log)
    for run in runs:
        run.segment = segments.get(run.run_id)
        if not run.answers:
            run.steps = tuple(steps.get(run.token, ()))
            continue
        asked = steps.get(run.create.answers, [])
        if f"{ANSWER}:{run.token}" in asked:
            run.steps = (ANSWER, LAST) if LAST in asked else (ANSWER,)


def _overlap(operations: Sequence[AnyOperation], stall: Stalled) -> int:
    begin = min(each.invoked for each in operations)
    end = max(each.completed or each.invoked for each in operations)
    return max(0, min(end, returned(stall)) - max(begin, stall.invoked))


def _last_ok(operations: Sequence[Kind]) -> Kind | None:
    return next((each for each in reversed(operations) if each.outcome is Outcome.OK), None)
