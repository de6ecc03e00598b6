"""G10: the events of a stream are its run's, in order, without gap, and end when the run ends."""

import re
from collections.abc import Sequence
from itertools import pairwise

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.checkers.order import waited_in_vain
from outrigger_loadtests.faults.kinds import Excuse
from outrigger_loadtests.history.operations import (
    SUCCESS,
    Ending,
    Frame,
    Operation,
    Outcome,
    Streamed,
)
from outrigger_loadtests.marks import token_of
from outrigger_loadtests.models.run import NANOSECONDS, Run
from outrigger_loadtests.verdict import Verdict

_NUMBERS = re.compile(r"\d+")


def streams_are_true(case: Case) -> None:
    """G10."""
    for run in case.thread.runs:
        streams = [each for each in run.streams if each.outcome is Outcome.OK]
        for stream in streams:
            case.examined()
            _belongs(case, run, stream)
            _increases(case, run, stream)
            _ends_with_the_run(case, run, stream)
            _shows_everything(case, run, stream)
        _resumes_where_it_was(case, run, streams)
        _waits_are_true(case, run)


def _belongs(case: Case, run: Run, stream: Streamed) -> None:
    own = {run.token, run.create.answers}
    for frame in stream.frames:
        if frame.run_id and frame.run_id != run.run_id:
            message = f"the stream of {run.token} tells of run {frame.run_id}"
            case.found("foreign_run", message, run)
        if frame.name.startswith("updates"):
            foreign = [each for each in frame.marks if token_of(each) not in own]
            if foreign:
                message = f"the stream of {run.token} carries an update of {foreign[0]}"
                case.found("foreign_event", message, run)


def _increases(case: Case, run: Run, stream: Streamed) -> None:
    ids = _ids(stream.frames)
    numbers = [_number(each) for each in ids]
    for place, (earlier, later) in enumerate(pairwise(numbers)):
        if later <= earlier:
            message = f"the stream of {run.token} goes from id {ids[place]} to {ids[place + 1]}"
            case.found("ids_not_increasing", message, run)
            return


def _ends_with_the_run(case: Case, run: Run, stream: Streamed) -> None:
    end = run.first_end
    if stream.ending is Ending.BROKEN and not _excused(
        case, Excuse.CONNECTION_BROKE, stream.invoked, stream
    ):
        message = f"the stream of {run.token} broke: {stream.error}"
        case.found("broken", message, run, verdict=Verdict.WARN)
    if waited_in_vain(case, run, stream, case.bounds.stream):
        case.found("never_ends", f"the stream of {run.token} never ended; the run did", run)
        return
    if end is None or stream.completed is None or stream.ending is not Ending.CLOSED:
        return
    since = max(end.completed, stream.invoked)
    if case.took_longer(since, stream.completed, case.bounds.stream) and not case.thread.blocks:
        late = stream.completed - since
        message = f"the stream of {run.token} ended {late / NANOSECONDS:.1f} s after the run"
        case.found("ends_late", message, run, between=(end.completed, stream.completed))


def _shows_everything(case: Case, run: Run, stream: Streamed) -> None:
    if not (run.succeeded and run.whole and stream.from_start):
        return
    if stream.ending is not Ending.CLOSED or _told_of_an_error(stream):
        return
    if _may_lack_events(case, run, stream):
        return
    shown = {each for frame in stream.frames for each in frame.marks}
    missing = [each for each in run.expected_marks if each not in shown]
    if missing:
        message = f"the stream of {run.token} never showed {', '.join(missing)}"
        case.found("lost_events", message, run)


def _resumes_where_it_was(case: Case, run: Run, streams: Sequence[Streamed]) -> None:
    comparable = [each for each in streams if not _may_lack_events(case, run, each)]
    whole = max(
        (each for each in comparable if each.from_start and _ids(each.frames)),
        key=lambda each: len(each.frames),
        default=None,
    )
    if whole is None:
        return
    all_ids = _ids(whole.frames)
    for stream in comparable:
        if stream is whole or _told_of_an_error(stream) or not (stream.frames or stream.after_id):
            continue
        expected = _expected(stream, all_ids)
        if expected is None:
            continue
        case.examined()
        got = _ids(stream.frames)
        if whole.ending is not Ending.CLOSED or stream.ending is not Ending.CLOSED:
            shorter = min(len(got), len(expected))
            got, expected = got[:shorter], expected[:shorter]
        if got != expected:
            _report(case, run, stream, expected, got)


def _expected(stream: Streamed, all_ids: Sequence[str]) -> Sequence[str] | None:
    """Return the ids that a stream must have shown; None when nobody can tell."""
    if stream.from_start:
        return all_ids
    if stream.after_id in all_ids:
        return all_ids[all_ids.index(stream.after_id) + 1 :]
    return None


def _report(
    case: Case, run: Run, stream: Streamed, expected: Sequence[str], got: Sequence[str]
) -> None:
    missing = [each for each in expected if each not in set(got)]
    what = f"lacks {len(missing)} events" if missing else "repeats or adds events"
    place = f"resumed after {stream.after_id}" if stream.after_id else "read from its start"
    message = f"the stream of {run.token} {place} {what}"
    case.found("gap" if missing else "duplicate", message, run)


def _waits_are_true(case: Case, run: Run) -> None:
    """Who waits for a success is told so, and gets what it came to."""
    for join in run.joins:
        case.examined()
        if waited_in_vain(case, run, join, case.bounds.stream):
            case.found("wait_never_ends", f"who waited for {run.token} was never told", run)
        if join.outcome is not Outcome.OK or not (run.succeeded and run.whole):
            continue
        if join.failure or join.status not in {"", SUCCESS}:
            told = join.failure or join.status
            case.found("wait_misled", f"{run.token} succeeded, and a join said: {told}", run)
        elif join.log is not None:
            missing = [each for each in run.expected_marks if each not in join.log]
            if missing:
                message = f"a join of {run.token} did not show {', '.join(missing)}"
                case.found("wait_misled", message, run)


def _may_lack_events(case: Case, run: Run, stream: Streamed) -> bool:
    """Whether the stream says that it lacks events, and a fault since the run began excuses it."""
    told = any(frame.lost for frame in stream.frames)
    return told and _excused(case, Excuse.EVENTS_TOLD_LOST, run.begin, stream)


def _excused(case: Case, excuse: Excuse, since: int, until: Operation) -> bool:
    return case.thread.disturbances.excuse(excuse, since, until.completed or until.invoked)


def _told_of_an_error(stream: Streamed) -> bool:
    return any(frame.name == "error" for frame in stream.frames)


def _ids(frames: Sequence[Frame]) -> list[str]:
    return [each.id for each in frames if each.id]


def _number(event_id: str) -> tuple[int, ...]:
    """Return an id's numbers: it is `<milliseconds>-<number>`, as Redis has it."""
    milliseconds, _, number = event_id.partition("-")
    try:
        return int(milliseconds), int(number)
    except ValueError:
        return tuple(int(each) for each in _NUMBERS.findall(event_id))


INVARIANTS = (
    Invariant(
        "G10", "a stream carries its run's events, all, in order, to its end", streams_are_true
    ),
)
