"""B1-B6: what was in flight is gone, as if it had never been; what was before it stays."""

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.checkers.interrupt import has_reason, is_unstarted, saw_success
from outrigger_loadtests.checkers.order import (
    foundation_faults,
    missing_at_the_start,
    one_survives,
    ran_on,
    readers_end,
    refusals,
    undisturbed_succeed,
)
from outrigger_loadtests.history.operations import (
    GONE,
    IN_FLIGHT,
    SUCCESS,
    Action,
    Cancelled,
    Joined,
    Outcome,
    StateRead,
    Strategy,
    Streamed,
    ThreadRead,
)
from outrigger_loadtests.marks import token_of
from outrigger_loadtests.models.run import Run
from outrigger_loadtests.models.thread import Thread, returned


def the_victim_is_gone(case: Case) -> None:
    """B1."""
    for newcomer, victim in case.thread.victims(Strategy.ROLLBACK):
        if not victim.status or victim.status in IN_FLIGHT:
            continue
        case.examined()
        how = f"{newcomer.token} rolled {victim.token} back, which"
        if victim.interrupted:
            if not may_be_only_interrupted(case.thread, victim):
                case.found("left_interrupted", f"{how} is left interrupted", victim, newcomer)
        elif not (victim.gone or victim.succeeded):
            case.found("failed", f"{how} ended as {victim.status}", victim, newcomer)
        elif victim.succeeded:
            _may_stay(case, newcomer, victim, how)


def _may_stay(case: Case, newcomer: Run, victim: Run, how: str) -> None:
    if case.thread.history and not victim.whole:
        case.found("half", f"{how} is a success without all its marks", victim, newcomer)
    elif is_unstarted(case.thread, victim, newcomer):
        case.found("started", f"{how} waited, and succeeded all the same", victim, newcomer)
    elif ran_on(case, victim, returned(newcomer.create)):
        case.found("ran_on", f"{how} went on all the same", victim, newcomer)


def may_be_only_interrupted(thread: Thread, run: Run) -> bool:
    """Whether something may have interrupted the run rather than rolled it back."""
    asked = any(
        each.action is Action.INTERRUPT and each.outcome is not Outcome.FAIL for each in run.cancels
    )
    return asked or bool(thread.cutters(run, Strategy.INTERRUPT))


def nothing_of_the_victim_is_left(case: Case) -> None:
    """B2."""
    thread = case.thread
    gone = [run for run in thread.runs if run.gone]
    if not gone:
        return
    marked = {token_of(each) for each in thread.chain.ever_marked}
    answers = {each.rpartition(":")[2] for each in thread.chain.ever_marked if ":answer:" in each}
    finals = {"history": thread.history, "state": thread.last_state, "thread": thread.last_thread}
    mentions = {place: set(read.mentions) for place, read in finals.items() if read}
    for run in gone:
        case.examined()
        if run.segment is not None:
            ids = [thread.chain.checkpoints[each].checkpoint_id for each in run.segment.indices]
            message = f"{run.token} is gone, and {len(ids)} of its checkpoints are not"
            case.found("checkpoint_left", message, run, checkpoints=ids)
        if run.token in marked or run.token in answers:
            case.found("marks_left", f"{run.token} is gone, and its marks are not", run)
        for place, mentioned in mentions.items():
            if mentioned & {run.token, run.run_id}:
                case.found(f"left_in_{place}", f"{run.token} is gone, and in the {place}", run)
        _read_no_more(case, run)


def _read_no_more(case: Case, run: Run) -> None:
    """Nobody reads marks of a run after somebody was told that it is not there."""
    end = run.first_end
    if end is None or end.status != GONE or run.answers:
        return
    reads: list[StateRead | ThreadRead] = [*case.thread.states, *case.thread.statuses]
    for read in reads:
        if read.invoked > end.completed and any(token_of(each) == run.token for each in read.log):
            message = f"{run.token} was gone, and its marks were read after that"
            case.found("read_after", message, run, between=(end.completed, read.invoked))
            return


def the_newcomer_starts_before_the_victim(case: Case) -> None:
    """B3."""
    thread = case.thread
    foundation_faults(case, thread.runs_of(Strategy.ROLLBACK), "wrong_base")
    missing_at_the_start(case, Strategy.ROLLBACK, "too_far_back", "started too far back, without")


def newcomers_and_readers(case: Case) -> None:
    """B4."""
    thread = case.thread
    refusals(case, Strategy.ROLLBACK)
    undisturbed_succeed(case, Strategy.ROLLBACK)
    one_survives(case, Strategy.ROLLBACK)
    for run in thread.runs:
        if run.gone and thread.may_be_removed(run):
            readers_end(case, run, "readers_")
            for reader in run.readers:
                _told_the_truth(case, run, reader)


def _told_the_truth(case: Case, run: Run, reader: Streamed | Joined) -> None:
    if reader.outcome is not Outcome.OK:
        return
    if saw_success(run, reader):
        case.found("saw_success", f"a reader of {run.token} was told of a success", run)
    elif not has_reason(case.thread, run, reader):
        case.found("no_reason", f"a reader of {run.token} ended without a reason", run)


def earlier_successes_survive(case: Case) -> None:
    """B5."""
    thread = case.thread
    asked = [run.create.invoked for run in thread.runs_of(Strategy.ROLLBACK)]
    asked += [each.invoked for each in thread.cancels if each.action is Action.ROLLBACK]
    if not asked or thread.history is None:
        return
    last = max(asked)
    for run in thread.runs:
        seen = [each for each in run.observations if each.status == SUCCESS]
        if run.deletes or not any(each.completed < last for each in seen):
            continue
        case.examined()
        if run.status and not run.succeeded:
            case.found("status", f"{run.token} had succeeded, and is {run.status} now", run)
        elif run.succeeded and not run.answers and not run.whole:
            case.found("marks", f"{run.token} had succeeded, and its marks are not there", run)


def a_question_outlives_its_answer(case: Case) -> None:
    """B6."""
    thread = case.thread
    for withdrawn in thread.runs:
        if not (withdrawn.answers and withdrawn.gone):
            continue
        _question_waits_again(case, withdrawn)
        asked = withdrawn.create.answers
        later = [run for run in thread.runs if run.create.answers == asked and not run.gone]
        if any(run.steps for run in later) or any(run.create.after_seconds for run in thread.runs):
            continue  # the question was answered, or somebody may have talked over it unseen
        later = [run for run in later if run.created_at > withdrawn.created_at > 0]
        for answer in later[:1]:
            if _question_was_dropped(thread, asked, answer) or not thread.undisturbed(answer):
                continue
            case.examined()
            if answer.succeeded and not answer.steps:
                message = f"{withdrawn.token} was taken back, and {answer.token} did not count"
                case.found("next_ignored", message, withdrawn, answer)


def _question_waits_again(case: Case, withdrawn: Run) -> None:
    thread = case.thread
    for cancel in withdrawn.cancels:
        if not (cancel.wait and cancel.action is Action.ROLLBACK and cancel.outcome is Outcome.OK):
            continue
        read = _next_read(thread, withdrawn, cancel)
        if read is None or read.completed is None:
            continue
        case.examined()
        if withdrawn.create.answers not in read.questions:
            message = f"{withdrawn.token} was taken back, and its question does not wait again"
            case.found("question_lost", message, withdrawn)


def _next_read(thread: Thread, withdrawn: Run, cancel: Cancelled) -> StateRead | None:
    """Return the first read of the state after the cancel, if nothing else was in flight then."""
    since = cancel.completed or cancel.invoked
    read = next((each for each in thread.states if each.invoked >= since), None)
    if read is None or read.completed is None:
        return None
    others = [run for run in thread.runs if run is not withdrawn]
    busy = any(run.possibly_in_flight(since, read.completed) for run in others)
    return None if busy or thread.unresolved else read


def _question_was_dropped(thread: Thread, asked: str, answer: Run) -> bool:
    """Whether a message between question and answer may have made the question void."""
    question = thread.by_token.get(asked)
    if question is None:
        return True
    between = [
        run
        for run in thread.runs
        if question.created_at < run.created_at < answer.created_at and not run.answers
    ]
    return bool(between or thread.unresolved)


INVARIANTS = (
    Invariant("B1", "the victim is gone, or had finished", the_victim_is_gone),
    Invariant("B2", "nothing of the victim is left anywhere", nothing_of_the_victim_is_left),
    Invariant("B3", "the newcomer starts before the victim", the_newcomer_starts_before_the_victim),
    Invariant(
        "B4", "the newest succeeds, the victim's readers never see that", newcomers_and_readers
    ),
    Invariant("B5", "what had succeeded before stays", earlier_successes_survive),
    Invariant("B6", "a taken-back answer leaves its question open", a_question_outlives_its_answer),
)
