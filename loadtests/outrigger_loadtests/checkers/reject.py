"""R1-R5: a second message is refused while the thread is busy, and then leaves nothing behind."""

from collections import defaultdict

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.history.operations import INTERRUPTED, Created, Strategy
from outrigger_loadtests.marks import token_of
from outrigger_loadtests.models.run import Run
from outrigger_loadtests.models.thread import CONFLICT, Thread, returned


def every_refusal_met_a_run(case: Case) -> None:
    """R1."""
    thread = case.thread
    for refused in thread.refusals_of(Strategy.REJECT):
        case.examined()
        if refused.code != CONFLICT:
            case.found("wrong_code", f"{refused.token} was refused with {refused.code}, not 409")
            continue
        stop = returned(refused)
        maybe = any(
            each.invoked <= stop for each in thread.unresolved if each.token != refused.token
        )
        if not maybe and not thread.may_have_met(refused):
            message = f"{refused.token} was refused, and nothing was in flight"
            case.found("nobody_in_flight", message, between=(refused.invoked, stop))


def nothing_is_accepted_while_busy(case: Case) -> None:
    """R2."""
    for run in case.thread.runs_of(Strategy.REJECT):
        if not run.accepted:
            continue
        case.examined()
        for other in case.thread.met(run.create):
            message = f"{run.token} was accepted while {other.token} was in flight"
            case.found("accepted_while_busy", message, other, run)


def one_of_many_wins(case: Case) -> None:
    """R3."""
    for group in _groups(case.thread):
        start = min(each.invoked for each in group)
        stop = max(returned(each) for each in group)
        if not _idle_before(case.thread, group, start, stop):
            continue
        case.examined()
        made = [case.thread.by_token.get(each.token) for each in group]
        winners = [run for run in made if run is not None]
        if not winners and all(each.code == CONFLICT for each in group):
            message = f"{len(group)} were sent to an idle thread together, and none was accepted"
            case.found("nobody_won", message, between=(start, stop))
        for number, one in enumerate(winners):
            for other in winners[number + 1 :]:
                if one.surely_to > other.surely_from and other.surely_to > one.surely_from:
                    message = f"{one.token} and {other.token} were sent together and both accepted"
                    case.found("two_winners", message, one, other, between=(start, stop))


def _groups(thread: Thread) -> list[list[Created]]:
    """Return the creates that were sent together, where all of them are rejects."""
    groups: defaultdict[str, list[Created]] = defaultdict(list)
    made = [run.create for run in thread.runs]
    for each in (*made, *thread.refused, *thread.unresolved):
        if each.together:
            groups[each.together].append(each)
    return [
        group
        for group in groups.values()
        if len(group) > 1 and all(each.strategy is Strategy.REJECT for each in group)
    ]


def _idle_before(thread: Thread, group: list[Created], start: int, stop: int) -> bool:
    own = {each.token for each in group}
    others = [run for run in thread.runs if run.token not in own]
    unknown = [each for each in thread.unresolved if each.token not in own]
    return not unknown and not any(run.possibly_in_flight(start, stop) for run in others)


def refused_tokens_appear_nowhere(case: Case) -> None:
    """R4."""
    thread = case.thread
    refused = {each.token for each in thread.refused if each.code == CONFLICT}
    case.examined(len(refused))
    if not refused:
        return
    places = {
        "history": {token_of(each) for each in thread.chain.ever_marked},
        "list of runs": {row.token for row in thread.run_list.rows} if thread.run_list else set(),
        "state": {token_of(each) for read in thread.states for each in read.log},
        "values": {token_of(each) for read in thread.statuses for each in read.log},
    }
    finals = (thread.history, thread.last_state, thread.last_thread)
    places["final answers"] = {each for read in finals if read for each in read.mentions}
    for place, tokens in places.items():
        for token in sorted(refused & tokens):
            case.found("trace", f"{token} was refused, and it is in the {place}")


def a_refusal_changes_nothing(case: Case) -> None:
    """R5."""
    thread = case.thread
    refused = [each for each in thread.refused if each.code == CONFLICT]
    case.examined(len(refused))
    if not refused:
        return
    tokens = {each.token for each in refused}
    for row in thread.unexplained:
        if row.token in tokens:
            message = f"{row.token} was refused, and run {row.run_id} was made of it"
            case.found("run_made", message)
        elif not row.token and not thread.unresolved:
            case.found("run_made", f"run {row.run_id} is there, and nobody sent it")
    for run in thread.runs:
        if run.status == INTERRUPTED and thread.undisturbed(run):
            cause = next((each for each in refused if _touches(run, each)), None)
            if cause is not None:
                message = f"{cause.token} was refused, and {run.token} was cut"
                case.found("run_cut", message, run)


def _touches(run: Run, refused: Created) -> bool:
    return run.possibly_in_flight(refused.invoked, returned(refused))


INVARIANTS = (
    Invariant("R1", "a refusal met a run in flight", every_refusal_met_a_run),
    Invariant("R2", "nothing is accepted while a run is in flight", nothing_is_accepted_while_busy),
    Invariant("R3", "of many sent to an idle thread together one is accepted", one_of_many_wins),
    Invariant("R4", "a refused message appears nowhere", refused_tokens_appear_nowhere),
    Invariant("R5", "a refusal has no side effect", a_refusal_changes_nothing),
)
