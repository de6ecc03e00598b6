"""G1, G2, G9, G12: every run ends, nothing is stuck, statuses and times only move forward."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.faults.kinds import Excuse
from outrigger_loadtests.history.operations import (
    GONE,
    IN_FLIGHT,
    INTERRUPTED,
    PENDING,
    RUNNING,
    Outcome,
)
from outrigger_loadtests.models.run import Observation, Run
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.verdict import Verdict

_RANKS = {PENDING: 0, RUNNING: 1, GONE: 3}
_ENDED = 2
_SENT = attrgetter("invoked")
_RETURNED = attrgetter("completed")


def every_run_ends(case: Case) -> None:
    """G1."""
    thread = case.thread
    for run in thread.runs:
        if run.status:
            case.examined()
            _ends_as_it_may(case, run)
    refused = {each.token for each in thread.refused}
    for row in thread.unexplained:
        if not thread.unresolved and row.token not in refused:
            case.found("unexplained", f"run {row.run_id} is there, and nobody sent it")


def _ends_as_it_may(case: Case, run: Run) -> None:
    if run.status in IN_FLIGHT:
        case.found("never_ended", f"run {run.token} is still {run.status} at rest", run)
    elif run.gone:
        if not case.thread.may_be_removed(run):
            case.found("lost", f"run {run.token} is gone, and nobody removed it", run)
    elif any(each.outcome is Outcome.OK for each in run.deletes):
        case.found("not_deleted", f"run {run.token} was deleted, and is still there", run)
    elif run.interrupted:
        if not case.thread.may_be_interrupted(run):
            case.found("cut_by_nobody", f"run {run.token} is interrupted, and nobody asked", run)
    elif not run.succeeded:
        case.found("failed", f"run {run.token} ended as {run.status}", run)


def nothing_is_stuck(case: Case) -> None:
    """G2. A thread that cannot be read at the end is unknown, never fine."""
    thread = case.thread
    case.examined()
    stuck = [run for run in thread.runs if run.status in IN_FLIGHT]
    rest = thread.last_thread.status if thread.last_thread else ""
    if thread.settled is not None and not thread.settled.quiet and stuck:
        case.found("never_quiet", "runs are still in flight at the deadline", *stuck)
    elif rest == "busy":
        case.found("busy_at_rest", "nothing is in flight, and the thread is shown busy")
    elif thread.settled is not None and not thread.settled.quiet:
        message = "nobody could tell whether anything was in flight at the deadline"
        case.found("unsettled", message, verdict=Verdict.UNKNOWN)
    elif rest and thread.history is not None and rest != _status_at_rest(thread):
        message = f"the thread is shown {rest} at rest, not {_status_at_rest(thread)}"
        case.found("wrong_status", message)
    reads = {
        "its runs": thread.run_list,
        "its history": thread.history,
        "its state": thread.last_state,
        "its row": thread.last_thread,
        "that it is quiet": thread.settled,
    }
    missing = [name for name, read in reads.items() if read is None]
    if missing:
        message = f"the server did not let us read {', '.join(missing)}"
        case.found("unread", message, verdict=Verdict.UNKNOWN)


def _status_at_rest(thread: Thread) -> str:
    """Return what a thread is when nothing is in flight: it depends on what is left to do."""
    if thread.runs and thread.runs[-1].status in {"error", "timeout"}:
        return "error"
    checkpoints = thread.chain.checkpoints
    return "interrupted" if checkpoints and checkpoints[-1].next else "idle"


def statuses_move_forward(case: Case) -> None:
    """G9."""
    for run in case.thread.runs:
        reads = sorted(run.observations, key=_SENT)
        case.examined(max(0, len(reads) - 1))
        if _obviously_fine(reads):
            continue
        for earlier, later in _surely_after(reads):
            _compare(case, run, earlier, later)


def _obviously_fine(reads: Sequence[Observation]) -> bool:
    """Whether every read shows at least what those sent before it show, and one end at most."""
    ranks = [_rank(each.status) for each in reads]
    ends = {each.status for each in reads if each.ended}
    return len(ends) <= 1 and ranks == sorted(ranks)


def _compare(case: Case, run: Run, earlier: Observation, later: Observation) -> None:
    if earlier.status == later.status:
        return
    was, became = _rank(earlier.status), _rank(later.status)
    between = (earlier.completed, later.invoked)
    message = f"run {run.token} was {earlier.status}, then {later.status}"
    if became < was:
        if was == _RANKS[RUNNING] and case.thread.disturbances.excuse(
            Excuse.STARTED_AGAIN, earlier.invoked, later.completed
        ):
            return
        case.found("went_back", message, run, between=between)
    elif was == _ENDED and became == _ENDED and earlier.status != later.status:
        case.found("changed", message, run, between=between)
    elif was == _ENDED and later.status == GONE and not _may_vanish(case, run, earlier):
        case.found("vanished", f"{message}, and nobody removed it", run, between=between)


def _may_vanish(case: Case, run: Run, earlier: Observation) -> bool:
    """Whether the run may be removed although it had ended: deleted, or while being cut."""
    if run.deletes:
        return True
    return earlier.status == INTERRUPTED and case.thread.may_be_removed(run)


def _surely_after(reads: Iterable[Observation]) -> Iterator[tuple[Observation, Observation]]:
    """Pair every read with the most advanced one that surely came before it."""
    by_sending = sorted(reads, key=_SENT)
    by_return = sorted(reads, key=_RETURNED)
    furthest: Observation | None = None
    returned = 0
    for read in by_sending:
        while by_return[returned].completed < read.invoked:
            candidate = by_return[returned]
            returned += 1
            if furthest is None or _rank(candidate.status) >= _rank(furthest.status):
                furthest = candidate
        if furthest is not None:
            yield furthest, read


def _rank(status: str) -> int:
    return _RANKS.get(status, _ENDED)


def creation_keeps_order(case: Case) -> None:
    """G12."""
    runs = [
        run
        for run in case.thread.runs
        if run.accepted and not run.create.after_seconds and run.created_at
    ]
    case.examined(max(0, len(runs) - 1))
    for earlier, later in _surely_before(runs, lambda run: run.created_at):
        if earlier.created_at > later.created_at:
            message = f"{later.token} was sent after {earlier.token} was accepted, yet is older"
            case.found("created_at", message, earlier, later)
    wrote = [run for run in runs if run.succeeded and run.segment]
    for earlier, later in _surely_before(wrote, _first_index):
        if _first_index(earlier) > _first_index(later):
            message = f"{later.token} was sent after {earlier.token} was accepted, yet ran first"
            case.found("segments", message, earlier, later)


def _first_index(run: Run) -> int:
    return run.segment.first if run.segment else -1


def _surely_before(runs: list[Run], place: Callable[[Run], int]) -> Iterator[tuple[Run, Run]]:
    """Pair every run with the one of the highest place among those accepted before it was sent."""
    by_sending = sorted(runs, key=lambda run: run.begin)
    by_return = sorted(runs, key=lambda run: run.surely_from)
    highest: Run | None = None
    returned = 0
    for run in by_sending:
        while by_return[returned].surely_from < run.begin:
            candidate = by_return[returned]
            returned += 1
            if highest is None or place(candidate) > place(highest):
                highest = candidate
        if highest is not None:
            yield highest, run


INVARIANTS = (
    Invariant("G1", "an accepted run ends, or is gone because it was removed", every_run_ends),
    Invariant("G2", "nothing is stuck: no run in flight, no thread busy at rest", nothing_is_stuck),
    Invariant("G9", "a run's status only moves forward", statuses_move_forward),
    Invariant(
        "G12", "runs are created, and run, in the order they were sent", creation_keeps_order
    ),
)
