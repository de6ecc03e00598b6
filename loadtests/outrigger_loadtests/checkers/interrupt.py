"""I1-I8: the newcomer cuts what is in flight; finished steps stay, nothing later comes."""

from collections.abc import Iterator

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.checkers.order import (
    foundation_faults,
    one_survives,
    ran_on,
    readers_end,
    refusals,
    undisturbed_succeed,
)
from outrigger_loadtests.faults.kinds import Excuse
from outrigger_loadtests.history.operations import (
    IN_FLIGHT,
    SUCCESS,
    Ending,
    Endpoint,
    Frame,
    Joined,
    Outcome,
    Strategy,
    Streamed,
)
from outrigger_loadtests.marks import LAST, mark, steps_by_token
from outrigger_loadtests.models.run import NANOSECONDS, Run
from outrigger_loadtests.models.thread import Thread, returned

AHEAD = 1  # seconds that a stream may be ahead of the database
HEARTBEAT = 4.5  # seconds: a little less than servers leave between two


def never_refused(case: Case) -> None:
    """I1."""
    case.examined(len(case.thread.runs_of(Strategy.INTERRUPT)))
    refusals(case, Strategy.INTERRUPT)


def the_victim_is_cut(case: Case) -> None:
    """I2."""
    for newcomer, victim in case.thread.victims(Strategy.INTERRUPT):
        if not victim.status or victim.status in IN_FLIGHT:
            continue
        case.examined()
        how = f"{newcomer.token} interrupted {victim.token}, which"
        if victim.gone:
            if not case.thread.may_be_removed(victim):
                case.found("gone", f"{how} is gone", victim, newcomer)
        elif not (victim.interrupted or victim.succeeded):
            case.found("failed", f"{how} ended as {victim.status}", victim, newcomer)
        elif victim.succeeded and case.thread.history and not victim.whole:
            case.found("half", f"{how} is a success without all its marks", victim, newcomer)
        elif ran_on(case, victim, returned(newcomer.create)):
            case.found("ran_on", f"{how} went on all the same", victim, newcomer)


def what_was_finished_stays(case: Case) -> None:
    """I3."""
    thread = case.thread
    if thread.history is None:
        return
    for run in cut_by_newcomers(thread):
        if run.answers:
            continue
        case.examined()
        final = run.own_steps
        seen = max(_shown(thread, run, final), key=len, default=[])
        if seen[: len(final)] != final or len(seen) > len(final):
            lost = ", ".join(seen[len(final) :]) or "its order"
            case.found("lost_step", f"{run.token} had finished, and lost: {lost}", run)
        places = [thread.chain.position[mark(run.token, step)] for step in final]
        if places and places[-1] - places[0] != len(places) - 1:
            case.found("late_mark", f"{run.token} was cut, and wrote among later runs", run)


def _shown(thread: Thread, run: Run, final: list[str]) -> Iterator[list[str]]:
    """Yield what anybody saw of the run's finished steps.

    A stream may be ahead of the database. What it alone showed is left out where it was lost and
    a fault since the run began may have taken the worker before it was written down.
    """
    for state in thread.states:
        yield thread.steps_in(state, run)
    for stream in run.streams:
        for frame in stream.frames:
            if frame.name == "values":
                steps = run.own(steps_by_token(frame.marks).get(run.token, []))
                if steps == final[: len(steps)] or not _may_be_unwritten(thread, run, frame):
                    yield steps


def _may_be_unwritten(thread: Thread, run: Run, frame: Frame) -> bool:
    latest = frame.at + AHEAD * NANOSECONDS
    return thread.disturbances.excuse(Excuse.STARTED_AGAIN, run.begin, latest)


def what_never_started_leaves_nothing(case: Case) -> None:
    """I4."""
    for newcomer, victim in case.thread.victims(Strategy.INTERRUPT):
        if not is_unstarted(case.thread, victim, newcomer):
            continue
        case.examined()
        how = f"{victim.token} still waited when {newcomer.token} came, and"
        if victim.succeeded:
            case.found("started", f"{how} succeeded", victim, newcomer)
        elif victim.segment is not None or victim.steps:
            case.found("trace", f"{how} wrote to the thread", victim, newcomer)


def the_newcomer_starts_at_the_cut(case: Case) -> None:
    """I5."""
    runs = case.thread.runs_of(Strategy.INTERRUPT)
    foundation_faults(case, runs, "not_from_the_cut")
    chain = case.thread.chain
    for newcomer, victim in case.thread.victims(Strategy.INTERRUPT):
        if not newcomer.segment or not victim.interrupted or victim.answers:
            continue
        case.examined()
        marks = {mark(victim.token, step) for step in victim.own_steps}
        for number in victim.segment.indices if victim.segment else ():
            marks.update(chain.checkpoints[number].added)  # also those beside the head's line
        if not chain.holds(newcomer.segment, marks):
            message = f"{newcomer.token} started without what {victim.token} had finished"
            case.found("missed_marks", message, victim, newcomer)


def the_newest_succeeds(case: Case) -> None:
    """I6."""
    undisturbed_succeed(case, Strategy.INTERRUPT)


def of_two_at_once_one_survives(case: Case) -> None:
    """I7."""
    one_survives(case, Strategy.INTERRUPT)


def the_readers_of_a_victim_end(case: Case) -> None:
    """I8."""
    for run in cut_by_newcomers(case.thread):
        readers_end(case, run, "")
        for reader in run.readers:
            if reader.outcome is not Outcome.OK:
                continue
            if saw_success(run, reader):
                case.found("saw_success", f"a reader of {run.token} was told of a success", run)
            elif not has_reason(case.thread, run, reader):
                case.found("no_reason", f"a reader of {run.token} ended without a reason", run)


def saw_success(run: Run, reader: Streamed | Joined) -> bool:
    """Whether a reader of a run that was cut was told that it succeeded."""
    if isinstance(reader, Streamed):
        return any(frame.status == SUCCESS for frame in reader.frames)
    whole = mark(run.token, LAST) in (reader.log or ())
    return not reader.failure and (reader.status == SUCCESS or whole)


def has_reason(thread: Thread, run: Run, reader: Streamed | Joined) -> bool:
    """Whether a reader of a cut run was told what became of it, or may have come too late."""
    if isinstance(reader, Joined):
        # Who waited for longer has had a heartbeat, and with it the head of the answer.
        waited = (reader.completed or reader.invoked) - reader.invoked
        return bool(reader.failure or reader.status) or waited > HEARTBEAT * NANOSECONDS
    if reader.ending is not Ending.CLOSED or not _was_there(thread, run, reader):
        return True
    return any(frame.status or frame.name == "error" for frame in reader.frames)


def _was_there(thread: Thread, run: Run, reader: Streamed) -> bool:
    """Whether the stream surely began before anything could cut the run."""
    if reader.endpoint is Endpoint.STREAM:
        return True
    asked = [each.invoked for each in (*thread.cutters(run), *run.cancels)]
    return bool(asked and reader.frames) and reader.frames[0].at < min(asked)


def cut_by_newcomers(thread: Thread) -> list[Run]:
    """Return the runs that are interrupted, where a newcomer with `interrupt` may have done it."""
    return [
        run for run in thread.runs if run.interrupted and thread.cutters(run, Strategy.INTERRUPT)
    ]


def is_unstarted(thread: Thread, victim: Run, newcomer: Run) -> bool:
    """Whether the victim surely still waited behind another run when the newcomer came.

    That run was in flight then: it surely was all the time, or it was cut, and nobody who may have
    cut it was sent before the victim was there.
    """
    if victim.strategy is not Strategy.ENQUEUE or victim.create.after_seconds:
        return False
    for ahead in thread.may_have_met(victim.create):
        if not 0 < ahead.created_at < victim.created_at or ahead.create.after_seconds:
            continue
        if ahead.surely_in_flight(victim.begin, returned(newcomer.create)):
            return True
        cut = (ahead.interrupted or ahead.gone) and not (ahead.cancels or ahead.deletes)
        cutters = [each.invoked for each in thread.cutters(ahead)]
        if cut and cutters and min(cutters) > victim.surely_from:
            return True
    return False


INVARIANTS = (
    Invariant("I1", "never refused", never_refused),
    Invariant("I2", "the victim is interrupted, or had finished", the_victim_is_cut),
    Invariant("I3", "what the victim finished stays, and nothing later", what_was_finished_stays),
    Invariant("I4", "a victim that waited leaves no trace", what_never_started_leaves_nothing),
    Invariant("I5", "the newcomer starts from the cut", the_newcomer_starts_at_the_cut),
    Invariant("I6", "the newest succeeds", the_newest_succeeds),
    Invariant("I7", "of those sent together one survives, the newest", of_two_at_once_one_survives),
    Invariant("I8", "the victim's readers end, with a reason", the_readers_of_a_victim_end),
)
