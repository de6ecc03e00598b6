"""X1, C1-C4, H1: the whole thread explained, cancels that mean it, questions answered once."""

from collections import Counter, defaultdict

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.checkers.order import ran_on
from outrigger_loadtests.checkers.rollback import may_be_only_interrupted
from outrigger_loadtests.history.operations import IN_FLIGHT, Action, Cancelled, Outcome
from outrigger_loadtests.marks import ANSWER
from outrigger_loadtests.models.run import Run
from outrigger_loadtests.models.sequential import expected_log
from outrigger_loadtests.models.thread import NOT_FOUND


def one_after_the_other_explains_it(case: Case) -> None:
    """X1."""
    thread = case.thread
    if thread.history is None or thread.run_list is None:
        return
    unknown = {each.token for each in thread.unresolved}
    if unknown and any(unknown & set(each.split(":")) for each in thread.chain.ever_marked):
        return  # it wrote, and nobody knows which run it is
    if any(run.create.after_seconds or run.create.at_checkpoint for run in thread.runs):
        return
    if not thread.runs:
        return
    case.examined()
    expected, actual = expected_log(thread.runs), thread.chain.head_log
    if expected == actual:
        return
    pairs = zip([*expected, ""], [*actual, ""], strict=False)
    at, (wanted, got) = next((n, pair) for n, pair in enumerate(pairs) if pair[0] != pair[1])
    runs = [run for run in thread.runs if any(x.startswith(f"{run.token}:") for x in (wanted, got))]
    message = (
        f"one run after the other gives {wanted or 'the end'} as mark {at}, not {got or 'the end'}"
    )
    case.found("not_sequential", message, *runs)


def a_cancel_interrupts(case: Case) -> None:
    """C1."""
    for run, cancel in _accepted_cancels(case, Action.INTERRUPT):
        case.examined()
        how = f"{run.token} was cancelled and"
        if run.gone:
            if not case.thread.may_be_removed(run):
                case.found("gone", f"{how} is gone", run)
        elif run.succeeded:
            _had_finished(case, run, cancel, how)
        elif not run.interrupted:
            case.found("ended_otherwise", f"{how} is {run.status}", run)


def a_cancel_rolls_back(case: Case) -> None:
    """C2."""
    for run, cancel in _accepted_cancels(case, Action.ROLLBACK):
        case.examined()
        how = f"{run.token} was rolled back and"
        if run.gone:
            if run.segment is not None or run.steps:
                case.found("trace", f"{how} left a trace", run)
        elif run.succeeded:
            _had_finished(case, run, cancel, how)
        elif not (run.interrupted and may_be_only_interrupted(case.thread, run)):
            case.found("not_gone", f"{how} is {run.status}", run)


def _had_finished(case: Case, run: Run, cancel: Cancelled, how: str) -> None:
    if case.thread.history and not run.whole:
        case.found("half", f"{how} is a success without all its marks", run)
    elif cancel.completed is not None and ran_on(case, run, cancel.completed):
        case.found("ran_on", f"{how} went on all the same", run)


def waiting_means_quiet(case: Case) -> None:
    """C3."""
    for run in case.thread.runs:
        for cancel in run.cancels:
            if cancel.outcome is not Outcome.OK or not cancel.wait or cancel.completed is None:
                continue
            case.examined()
            since = cancel.completed
            late = [each for each in run.observations if each.invoked > since and not each.ended]
            if late:
                message = f"the cancel of {run.token} had returned, and it was {late[0].status}"
                case.found("in_flight", message, run, between=(since, late[0].invoked))
            read = case.thread.state_after(since)
            if read is None or run.answers or case.thread.history is None:
                continue
            if len(run.own_steps) > len(case.thread.steps_in(read, run)):
                message = f"the cancel of {run.token} had returned, and it wrote"
                case.found("wrote", message, run, between=(since, read.invoked))


def a_cancel_knows_what_it_meets(case: Case) -> None:
    """C4."""
    for run in case.thread.runs:
        end = run.first_end
        for cancel in run.cancels:
            if cancel.completed is None or cancel.outcome is Outcome.INFO:
                continue
            if end is not None and end.completed < cancel.invoked:
                case.examined()
                if cancel.outcome is Outcome.OK:
                    case.found("accepted", f"{run.token} was {end.status}, and was cancelled", run)
                elif cancel.code != NOT_FOUND:
                    message = f"{run.token} was {end.status}; its cancel got {cancel.code}, not 404"
                    case.found("wrong_code", message, run)
            elif _is_first(case, run, cancel):
                case.examined()
                if cancel.outcome is Outcome.FAIL:
                    message = f"{run.token} was in flight, and its cancel got {cancel.code}"
                    case.found("refused", message, run)


def _is_first(case: Case, run: Run, cancel: Cancelled) -> bool:
    """Whether the cancel surely met the run in flight, and nothing else can have cut it before."""
    stop = cancel.completed or cancel.invoked
    if not run.surely_in_flight(cancel.invoked, stop):
        return False
    others = [each for each in run.cancels if each is not cancel and each.invoked < stop]
    cutters = [each for each in case.thread.cutters(run) if each.invoked < stop]
    return not (others or cutters or run.deletes)


def _accepted_cancels(case: Case, action: Action) -> list[tuple[Run, Cancelled]]:
    return [
        (run, cancel)
        for run in case.thread.runs
        for cancel in run.cancels
        if cancel.action is action
        and cancel.outcome is Outcome.OK
        and run.status
        and run.status not in IN_FLIGHT
    ]


def a_question_is_answered_once(case: Case) -> None:
    """H1."""
    answers: defaultdict[str, list[Run]] = defaultdict(list)
    for run in case.thread.runs:
        if run.answers:
            answers[run.create.answers].append(run)
    steps = Counter(
        each.partition(":")[0] for each in case.thread.chain.head_log if f":{ANSWER}:" in each
    )
    for asked, given in answers.items():
        case.examined(len(given) > 1)
        if steps[asked] > 1:
            case.found(
                "twice", f"the question of {asked} was answered {steps[asked]} times", *given
            )


INVARIANTS = (
    Invariant(
        "X1",
        "one accepted run after the other gives the final state",
        one_after_the_other_explains_it,
    ),
    Invariant("C1", "a cancelled run is interrupted, or had finished", a_cancel_interrupts),
    Invariant("C2", "a run cancelled with rollback is gone, or had finished", a_cancel_rolls_back),
    Invariant("C3", "a cancel that waits returns when the run is quiet", waiting_means_quiet),
    Invariant(
        "C4",
        "a cancel of a finished run is 404, of one in flight accepted",
        a_cancel_knows_what_it_meets,
    ),
    Invariant("H1", "a question is answered once", a_question_is_answered_once),
)
