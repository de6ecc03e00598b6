"""What a client sent on a thread and what it got back: one line per operation.

Repeated looks at the same thing are one line: a run's statuses as they changed, a thread's status
for as long as it stayed.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatch
from itertools import groupby

from outrigger_loadtests.history.operations import (
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
    RunsRead,
    Settled,
    StateRead,
    Streamed,
    ThreadRead,
)
from outrigger_loadtests.report.evidence.lines import NAMED, Line
from outrigger_loadtests.report.evidence.scene import Scene
from outrigger_loadtests.report.text import ELLIPSIS, one_line, shortened, times

_TEXT_LENGTH = 130
_CHANGES = 6  # of a run's status that are shown
_FRAME_KINDS = 8


def operation_lines(operations: Iterable[AnyOperation], scene: Scene) -> list[Line]:
    """Return the lines of all operations, in the order they were sent."""
    lines: list[tuple[int, Line]] = []
    reads: dict[str, list[RunRead]] = {}
    looks: dict[type, list[StateRead | ThreadRead]] = {}
    for each in sorted(operations, key=lambda each: each.invoked):
        if isinstance(each, RunRead):
            reads.setdefault(each.run_id, []).append(each)
        elif isinstance(each, StateRead | ThreadRead) and not each.final:
            looks.setdefault(type(each), []).append(each)
        else:
            lines.append((each.invoked, _line([each], describe(each, scene), scene)))
    for run_id, seen in reads.items():
        lines.append((seen[0].invoked, _line(seen, _statuses(run_id, seen, scene), scene)))
    for kind in looks.values():
        for stretch in _stretches(kind, lambda each: describe(each, scene)):
            text = describe(stretch[0], scene) + _repeats(len(stretch))
            lines.append((stretch[0].invoked, _line(stretch, text, scene)))
    lines.sort(key=lambda entry: entry[0])
    return [line for _, line in lines]


@singledispatch
def describe(operation: Operation, scene: Scene) -> str:
    """Say in a few words what was sent and what came back."""
    return f"{type(operation).__name__.lower()} {_answer(operation)}"


@describe.register
def _(operation: Opened, scene: Scene) -> str:
    return (
        f"open {scene.thread} = {operation.thread_id or '?'}, {operation.label}, "
        f"{operation.probe}, {operation.scenario}{_answer(operation)}"
    )


@describe.register
def _(operation: Created, scene: Scene) -> str:
    token = scene.token(operation.token)
    parts = [f"create {operation.strategy} {token}, {operation.endpoint}"]
    if operation.answers:
        parts.append(f"answers {scene.token(operation.answers)}")
    if operation.asks:
        parts.append("asks")
    if operation.after_seconds:
        parts.append(f"after {operation.after_seconds:g} s")
    if operation.together:
        parts.append(f"together {operation.together}")
    if operation.at_checkpoint:
        parts.append(f"at checkpoint {scene.checkpoint(operation.at_checkpoint)}")
    run = f", run {scene.run(operation.run_id)}" if operation.run_id else ""
    return ", ".join(parts) + _answer(operation) + run


@describe.register
def _(operation: Streamed, scene: Scene) -> str:
    resumed = f" after {operation.after_id}" if operation.after_id else ""
    where = " from its start" if operation.from_start else resumed
    frames = operation.frames
    when = f" {scene.at(frames[0].at)}..{scene.at(frames[-1].at)}" if frames else ""
    what = f": {_frame_names(operation)}" if frames else ""
    whom = _whom(operation.run_id, operation.token, scene)
    return (
        f"stream {whom}{where}{_answer(operation)}, "
        f"{times(len(frames), 'frame')}{when}{what}, {operation.ending}"
    )


@describe.register
def _(operation: Joined, scene: Scene) -> str:
    got = []
    if operation.status:
        got.append(operation.status)
    if operation.failure:
        got.append(f"error {operation.failure}")
    if operation.log is not None:
        got.append(times(len(operation.log), "mark"))
    whom = _whom(operation.run_id, operation.token, scene)
    return ", ".join([f"{operation.endpoint} {whom}{_answer(operation)}", *got])


@describe.register
def _(operation: Cancelled, scene: Scene) -> str:
    wait = " and wait" if operation.wait else ""
    whom = _whom(operation.run_id, "", scene)
    return f"cancel {operation.action} {whom}{wait}{_answer(operation)}"


@describe.register
def _(operation: Deleted, scene: Scene) -> str:
    return f"delete {_whom(operation.run_id, '', scene)}{_answer(operation)}"


@describe.register
def _(operation: StateRead, scene: Scene) -> str:
    asks = ", ".join(scene.token(each) for each in operation.questions)
    last = f" up to {_mark(operation.log[-1], scene)}" if operation.log else ""
    return (
        f"state{_answer(operation)}: {times(len(operation.log), 'mark')}{last}"
        f"{f', at {scene.checkpoint(operation.checkpoint_id)}' if operation.checkpoint_id else ''}"
        f"{f', asks {asks}' if asks else ''}"
    )


@describe.register
def _(operation: ThreadRead, scene: Scene) -> str:
    last = f" up to {_mark(operation.log[-1], scene)}" if operation.log else ""
    log = f", {times(len(operation.log), 'mark')}{last}" if operation.final else ""
    return f"thread {operation.status or '?'}{_answer(operation)}{log}"


@describe.register
def _(operation: RunsRead, scene: Scene) -> str:
    return f"list of {times(len(operation.rows), 'run')}{_answer(operation)}"


@describe.register
def _(operation: HistoryRead, scene: Scene) -> str:
    return f"history of {times(len(operation.checkpoints), 'checkpoint')}{_answer(operation)}"


@describe.register
def _(operation: Settled, scene: Scene) -> str:
    return "quiet" if operation.quiet else "NOT quiet, the wait for it ended"


@describe.register
def _(operation: Faulted, scene: Scene) -> str:
    return f"FAULT {operation.name}"


@dataclass
class _Change:
    """A status and the answers in a row that showed it."""

    status: str
    reads: list[RunRead]


def _statuses(run_id: str, reads: Sequence[RunRead], scene: Scene) -> str:
    changes = [_Change(status, list(same)) for status, same in groupby(reads, key=_status)]
    shown = [_change_text(each, scene) for each in changes]
    if len(shown) > _CHANGES:
        left_out = len(shown) - _CHANGES + 1
        shown[_CHANGES // 2 : -_CHANGES // 2 + 1] = [f"{ELLIPSIS} {left_out} changes {ELLIPSIS}"]
    return f"{_whom(run_id, '', scene)}: {' → '.join(shown)}"


def _status(read: RunRead) -> str:
    if read.outcome is not Outcome.OK:
        return _answer(read).strip(" ,")
    return read.status


def _change_text(change: _Change, scene: Scene) -> str:
    since = scene.at(change.reads[0].completed)
    until = scene.at(change.reads[-1].completed)
    return f"{change.status} {since if since == until else f'{since}..{until}'}"


def _stretches(
    reads: Iterable[StateRead | ThreadRead], key: Callable[[AnyOperation], Hashable]
) -> Iterator[list[StateRead | ThreadRead]]:
    """Put reads together that follow each other and showed the same."""
    for _, same in groupby(reads, key=key):
        yield list(same)


def _line(operations: Sequence[AnyOperation], text: str, scene: Scene) -> Line:
    begun, ended = operations[0].invoked, operations[-1].completed
    processes = {each.process for each in operations}
    process = f"p{processes.pop()}" if len(processes) == 1 else "p*"
    text = shortened(one_line(text), _TEXT_LENGTH)
    when = f"{scene.at(begun):>9} → {scene.at(ended):>9}"
    return Line(f"{when}  {process:<4} {text}", _rank(operations[0], scene))


def _rank(operation: AnyOperation, scene: Scene) -> int:
    if isinstance(operation, Opened | Settled):
        return NAMED
    run_id = getattr(operation, "run_id", "")
    run_id = run_id or scene.run_of_token.get(getattr(operation, "token", ""), "")
    if run_id:
        return scene.rank_of_run(run_id)
    return scene.rank_of_time(operation.invoked, operation.completed)


def _whom(run_id: str, token: str, scene: Scene) -> str:
    token = token or scene.token_of_run.get(run_id, "")
    name = f"run {scene.run(run_id)}" if run_id else ""
    return f"{scene.token(token)} {name}".strip() if token else name or "?"


def _answer(operation: Operation) -> str:
    """Say what came back, with a comma before it; nothing when there is nothing to say."""
    code = f" {operation.code}" if operation.code else ""
    error = f": {one_line(operation.error, 60)}" if operation.error else ""
    if operation.outcome is Outcome.FAIL:
        return f", {'refused' if code else 'not sent'}{code}{error}"
    if operation.outcome is Outcome.INFO or operation.completed is None:
        return f", UNKNOWN{code}{error}"
    return f",{code}" if code else ""


def _frame_names(operation: Streamed) -> str:
    named = [
        (name, sum(1 for _ in same))
        for name, same in groupby(each.name for each in operation.frames)
    ]
    shown = [f"{name}{_repeats(count)}" for name, count in named[:_FRAME_KINDS]]
    if len(named) > _FRAME_KINDS:
        shown.append(ELLIPSIS)
    return " ".join(shown)


def _mark(mark: str, scene: Scene) -> str:
    token, colon, step = mark.partition(":")
    return f"{scene.token(token)}{colon}{one_line(step, 40)}"


def _repeats(count: int) -> str:
    return f" ({count}x)" if count > 1 else ""
