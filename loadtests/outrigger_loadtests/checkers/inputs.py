"""G6, G7, G11: every input once, a success is whole and a cut run a prefix, threads do not mix."""

from collections.abc import Iterable, Iterator

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.history.operations import PENDING, RUNNING
from outrigger_loadtests.marks import INPUT, STEPS, mark, token_of
from outrigger_loadtests.models.thread import Thread


def every_input_once(case: Case) -> None:
    """G6."""
    thread = case.thread
    if thread.history is None:
        return
    for each in thread.chain.repeated:
        runs = [thread.by_token[token_of(each)]] if token_of(each) in thread.by_token else []
        case.found("twice", f"{each} stands in the state more than once", *runs)
    for run in thread.runs:
        case.examined()
        if run.succeeded and not run.answers and INPUT not in run.steps:
            case.found("lost", f"{run.token} succeeded, and its input is not in the state", run)
    for create in thread.refused:
        case.examined()
        if mark(create.token, INPUT) in thread.chain.ever_marked:
            case.found("refused", f"{create.token} was refused, and its input is in the state")


def success_is_whole(case: Case) -> None:
    """G7."""
    if case.thread.history is None:
        return
    for run in case.thread.runs:
        if run.answers or run.gone or run.status in {"", PENDING, RUNNING}:
            continue
        case.examined()
        steps = run.steps[:3] if run.create.asks else run.steps
        if run.succeeded and not run.whole:
            message = f"{run.token} is a success with only: {', '.join(run.steps) or 'nothing'}"
            case.found("success_in_part", message, run)
        elif not run.succeeded and run.finished and not run.create.asks:
            case.found("whole_and_cut", f"{run.token} is {run.status} with all its marks", run)
        elif not run.succeeded and steps != STEPS[: len(steps)]:
            message = f"{run.token} is {run.status} and left a hole: {', '.join(steps)}"
            case.found("hole", message, run)


def threads_do_not_mix(case: Case) -> None:
    """G11."""
    thread = case.thread
    case.examined()
    prefix = f"{thread.name}-"
    for place, marks in _places(thread):
        for each in marks:
            if not each.startswith(prefix):
                case.found("foreign_mark", f"{each} is not of this thread, and is in its {place}")
                break
    for row in thread.run_list.rows if thread.run_list else ():
        if row.thread_id and row.thread_id != thread.opened.thread_id:
            case.found("foreign_run", f"run {row.run_id} of another thread is in its list of runs")


def _places(thread: Thread) -> Iterator[tuple[str, Iterable[str]]]:
    yield "history", thread.chain.ever_marked
    for state in thread.states:
        yield "state", state.log
    for row in thread.statuses:
        if row.log:
            yield "values", row.log
    for run in thread.runs:
        for stream in run.streams:
            for frame in stream.frames:
                if frame.marks:
                    yield "streams", frame.marks
        for join in run.joins:
            if join.log:
                yield "answer to a join", join.log


INVARIANTS = (
    Invariant("G6", "the input of a success stands once, of a refused run never", every_input_once),
    Invariant("G7", "a success has all its marks, a cut run a part of them", success_is_whole),
    Invariant("G11", "nothing of one thread is seen on another", threads_do_not_mix),
)
