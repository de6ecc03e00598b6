"""G3, G4, G5, G8: one chain, one writer at a time, nothing lost, nothing written too late."""

from collections import Counter
from collections.abc import Iterable, Sequence

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.history.operations import StateRead
from outrigger_loadtests.marks import ANSWER, LAST, mark
from outrigger_loadtests.models.run import Run
from outrigger_loadtests.models.thread import Thread


def one_chain(case: Case) -> None:
    """G3."""
    chain = case.thread.chain
    forked = {run.run_id for run in case.thread.runs if run.create.at_checkpoint}
    case.examined(len(chain.checkpoints))
    roots = [each for each in chain.checkpoints if not each.parent_id]
    if len(roots) > 1:
        ids = [each.checkpoint_id for each in roots]
        case.found("second_root", f"the history begins {len(roots)} times", checkpoints=ids)
    for each in chain.checkpoints:
        if each.parent_id and each.parent_id not in chain.index:
            case.found(
                "dangling_parent",
                f"checkpoint {each.checkpoint_id} has a parent that is not there",
                *_owners(case.thread, [each.run_id]),
                checkpoints=[each.checkpoint_id],
            )
    unasked = [each for each in chain.checkpoints if each.parent_id and each.run_id not in forked]
    children = Counter(each.parent_id for each in unasked)
    for parent_id in (parent_id for parent_id, count in children.items() if count > 1):
        split = [each for each in unasked if each.parent_id == parent_id]
        case.found(
            "fork",
            f"{len(split)} checkpoints follow the same one",
            *_owners(case.thread, [each.run_id for each in split]),
            checkpoints=[parent_id, *(each.checkpoint_id for each in split)],
        )


def one_writer(case: Case) -> None:
    """G4."""
    thread = case.thread
    for run_id, segment in thread.chain.segments().items():
        case.examined()
        if not run_id:
            continue
        run = thread.by_id.get(run_id)
        if run is None:
            if not thread.unresolved:
                case.found("stranger", f"a run nobody sent, {run_id}, wrote to the thread")
        elif not segment.contiguous:
            others = {
                each.run_id for each in thread.chain.checkpoints[segment.first : segment.last + 1]
            }
            message = f"others wrote between the checkpoints of {run.token}"
            case.found("second_writer", message, *_owners(thread, [run_id, *sorted(others)]))


def state_only_grows(case: Case) -> None:
    """G5."""
    _checkpoints_grow(case)
    _reads_are_prefixes(case)
    _values_are_prefixes(case)
    _heads_agree(case)


def _checkpoints_grow(case: Case) -> None:
    chain = case.thread.chain
    for number, each in enumerate(chain.checkpoints):
        parent = chain.index.get(each.parent_id)
        if parent is None:
            continue
        case.examined()
        if each.kept < chain.lengths[parent]:
            missing = chain.lengths[parent] - each.kept
            case.found(
                "shrunk",
                f"checkpoint {each.checkpoint_id} lacks {missing} marks of its parent",
                *_owners(case.thread, [each.run_id]),
                checkpoints=[each.parent_id, chain.checkpoints[number].checkpoint_id],
            )


def _reads_are_prefixes(case: Case) -> None:
    thread = case.thread
    if thread.history is None:
        return
    final = thread.chain.head_log
    longest: StateRead | None = None
    for read in thread.states:
        case.examined()
        kept = _without_removed(thread, read.log)
        if kept != final[: len(kept)]:
            between = (read.invoked, read.completed or read.invoked)
            case.found(
                "not_a_prefix", "marks that were read are not there any more", between=between
            )
        if thread.may_roll_back:
            continue
        if longest and _before(longest, read) and len(read.log) < len(longest.log):
            between = (longest.invoked, read.completed or read.invoked)
            case.found("went_back", "a later read shows less than an earlier one", between=between)
        if longest is None or len(read.log) >= len(longest.log):
            longest = read


def _values_are_prefixes(case: Case) -> None:
    thread = case.thread
    if thread.history is None:
        return
    for read in thread.statuses:
        if not read.log:
            continue
        case.examined()
        kept = _without_removed(thread, read.log)
        if kept != thread.chain.head_log[: len(kept)]:
            between = (read.invoked, read.completed or read.invoked)
            message = "marks that the thread's values showed are not there any more"
            case.found("values_not_a_prefix", message, between=between)


def _without_removed(thread: Thread, log: Sequence[str]) -> list[str]:
    """Return the marks of a read whose runs were not rolled back since, as far as is known."""
    if not thread.may_roll_back:
        return list(log)
    gone = {run.token for run in thread.runs if run.gone or not run.status}
    gone.update(each.token for each in thread.unresolved)
    unsaid: set[str] = set()
    kept = []
    for each in log:
        token, _, step = each.partition(":")
        if step.startswith(f"{ANSWER}:") and step.partition(":")[2] in gone:
            unsaid.add(mark(token, LAST))
        elif each in unsaid:
            unsaid.remove(each)
        elif token not in gone:
            kept.append(each)
    return kept


def _heads_agree(case: Case) -> None:
    thread = case.thread
    history, state, row = thread.history, thread.last_state, thread.last_thread
    if history is None or state is None or row is None:
        return
    case.examined()
    head = history.checkpoints[0].checkpoint_id if history.checkpoints else ""
    if state.digest != history.head_digest or state.checkpoint_id != head:
        case.found("state_differs", "the state at rest is not the head of the history")
    if row.digest != history.head_digest:
        case.found("values_differ", "the thread's values at rest are not the head of the history")
    last = thread.runs[-1] if thread.runs else None
    if last is None or not last.succeeded or thread.settled is None:
        return
    for join in last.joins:
        if join.invoked > thread.settled.invoked and join.log is not None:
            case.examined()
            if list(join.log) != thread.chain.head_log:
                case.found("join_differs", f"join of the last run {last.token} differs", last)


def quiet_after_the_end(case: Case) -> None:
    """G8."""
    _idle_is_quiet(case)
    for run in case.thread.runs:
        if run.segment is not None:
            case.examined()
            if not run.segment.contiguous:
                message = f"{run.token} wrote after the next run had begun"
                case.found("wrote_after_next", message, run)
        _writes_end_with_the_run(case, run)


def _idle_is_quiet(case: Case) -> None:
    for read in case.thread.statuses:
        if read.status == "busy" or read.completed is None:
            continue
        case.examined()
        for run in case.thread.surely_in_flight(read.invoked, read.completed):
            case.found(
                "idle_in_flight",
                f"the thread is shown {read.status} while {run.token} is in flight",
                run,
                between=(read.invoked, read.completed),
            )


def _writes_end_with_the_run(case: Case, run: Run) -> None:
    end = run.first_end
    after = case.thread.state_after(end.completed) if end else None
    if end is None or after is None or run.answers or case.thread.history is None:
        return
    case.examined()
    then, finally_ = case.thread.steps_in(after, run), run.own_steps
    if len(finally_) > len(then):
        more = ", ".join(finally_[len(then) :])
        message = f"{run.token} was {end.status}, and then wrote: {more}"
        case.found("wrote_after_end", message, run, between=(end.completed, after.invoked))


def _before(earlier: StateRead, later: StateRead) -> bool:
    return earlier.completed is not None and earlier.completed < later.invoked


def _owners(thread: Thread, run_ids: Iterable[str]) -> list[Run]:
    return [thread.by_id[each] for each in dict.fromkeys(run_ids) if each in thread.by_id]


INVARIANTS = (
    Invariant("G3", "the checkpoints form one chain: one root, no gap, no fork", one_chain),
    Invariant("G4", "one writer: each run owns one stretch of the chain", one_writer),
    Invariant("G5", "state only grows, and every view of it agrees at rest", state_only_grows),
    Invariant("G8", "no write after the next run began or the run ended", quiet_after_the_end),
)
