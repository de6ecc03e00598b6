"""What enqueue, interrupt and rollback share: where a run starts from, and who survives."""

from collections import defaultdict
from collections.abc import Iterable

from outrigger_loadtests.checkers.case import Case
from outrigger_loadtests.history.operations import (
    TIMED_OUT,
    Ending,
    Joined,
    Outcome,
    Strategy,
    Streamed,
)
from outrigger_loadtests.models.run import NANOSECONDS, SLEEP_CERTAINTY, Run


def refusals(case: Case, strategy: Strategy) -> None:
    """Find the messages that were refused although their strategy never is."""
    for refused in case.thread.refusals_of(strategy):
        case.examined()
        case.found("refused", f"{refused.token} came with {strategy}, and got {refused.code}")


def undisturbed_succeed(case: Case, strategy: Strategy) -> None:
    """Find the runs that nothing could keep from their end and that are no success."""
    for run in case.thread.runs_of(strategy):
        if not run.status or not case.thread.undisturbed(run):
            continue
        case.examined()
        if not run.succeeded:
            message = f"nothing kept {run.token} from its end, and it is {run.status}"
            case.found("no_success", message, run)


def foundation_faults(case: Case, runs: Iterable[Run], way: str) -> None:
    """Find the runs whose first checkpoint does not follow the one written just before it."""
    checkpoints = case.thread.chain.checkpoints
    for run in runs:
        if run.segment is None or run.create.at_checkpoint:
            continue
        case.examined()
        before = checkpoints[run.segment.first - 1].checkpoint_id if run.segment.first else ""
        first = checkpoints[run.segment.first]
        if first.parent_id != before:
            message = f"{run.token} does not start from the checkpoint before its own"
            case.found(way, message, run, checkpoints=(first.checkpoint_id, first.parent_id))


def missing_at_the_start(case: Case, strategy: Strategy, way: str, what: str) -> None:
    """Find the runs of a strategy that began without a mark of a success before them."""
    for run, missed in case.thread.starts:
        if run.strategy is strategy:
            case.examined()
            if missed:
                case.found(way, f"{run.token} {what} {missed}", run)


def ran_on(case: Case, run: Run, since: int) -> bool:
    """Whether the run was surely still at work long after it was told to stop at `since`."""
    if case.thread.blocks:
        return False
    cut = case.bounds.cut
    seen = [each.invoked for each in run.observations if not each.ended]
    if any(case.took_longer(since, each, cut) for each in seen):
        return True
    bound = case.bounds.prompt_cut if case.thread.prompt else cut
    worked = run.begin + int(run.create.seconds * SLEEP_CERTAINTY * NANOSECONDS)
    done = run.succeeded and run.whole and not run.answers
    return done and case.took_longer(since, worked, bound)


def together(case: Case, strategy: Strategy) -> list[list[Run]]:
    """Return the accepted runs of each group that was sent at the same moment, oldest first.

    Only groups of this strategy alone, all of whose messages were accepted and can be put in order.
    """
    groups: defaultdict[str, list[Run]] = defaultdict(list)
    spoiled = {each.together for each in (*case.thread.refused, *case.thread.unresolved)}
    for run in case.thread.runs:
        if run.create.together:
            groups[run.create.together].append(run)
            if run.strategy is not strategy or not run.accepted or not run.created_at:
                spoiled.add(run.create.together)
    return [group for name, group in groups.items() if name not in spoiled and len(group) > 1]


def one_survives(case: Case, strategy: Strategy) -> None:
    """Of messages sent together the newest succeeds, and no other that was still at work.

    Where several carry the same newest time, any of them may be the one that others hit.
    """
    for group in together(case, strategy):
        newest = group[-1]
        newest_ones = [run for run in group if run.created_at == newest.created_at]
        if any(hit_from_outside(case, run) for run in newest_ones):
            continue
        case.examined()
        if not any(run.succeeded for run in group):
            case.found("nobody_survived", "of those sent together none succeeded", *group)
        for run in group[:-1]:
            since = newest.create.completed
            if (
                run.created_at < newest.created_at
                and since is not None
                and ran_on(case, run, since)
            ):
                message = f"{run.token} went on although {newest.token} came after it"
                case.found("two_survived", message, run, newest)


def hit_from_outside(case: Case, run: Run) -> bool:
    """Whether something other than those sent together with the run may have ended it."""
    cutters = case.thread.cutters(run)
    outsiders = [each for each in cutters if each.together != run.create.together]
    return bool(outsiders or run.cancels or run.deletes or not run.status)


def readers_end(case: Case, run: Run, prefix: str) -> None:
    """The readers of a run that was cut are told so, soon."""
    end = run.first_end
    for reader in run.readers:
        if reader.outcome is Outcome.FAIL or reader.completed is None or not reader.run_id:
            continue
        case.examined()
        if waited_in_vain(case, run, reader, case.bounds.readers):
            case.found(f"{prefix}never_end", f"a reader of {run.token} was never told", run)
            continue
        if end is None or case.thread.blocks or gave_up(reader):
            continue
        since = max(end.completed, reader.invoked)
        if case.took_longer(since, reader.completed, case.bounds.readers):
            late = reader.completed - since
            message = f"a reader of {run.token} was told {late / NANOSECONDS:.1f} s after the cut"
            case.found(f"{prefix}end_late", message, run, between=(end.completed, reader.completed))


def waited_in_vain(case: Case, run: Run, reader: Streamed | Joined, seconds: float) -> bool:
    """Whether a reader went away although its run had ended more than so long before."""
    end = run.first_end
    if not gave_up(reader) or end is None or reader.completed is None:
        return False
    return case.took_longer(max(end.completed, reader.invoked), reader.completed, seconds)


def gave_up(reader: Streamed | Joined) -> bool:
    """Whether a reader went away because nothing came any more."""
    if isinstance(reader, Streamed):
        return reader.ending is Ending.SILENT
    return reader.error == TIMED_OUT
