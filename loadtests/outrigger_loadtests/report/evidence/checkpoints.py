"""A thread's checkpoints as the server chained them, and what it showed once it was at rest."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from outrigger_loadtests.history.operations import Checkpoint
from outrigger_loadtests.marks import token_of
from outrigger_loadtests.models.segment import Chain
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.report.evidence.lines import ELSEWHERE, NAMED, NEAR, Line
from outrigger_loadtests.report.evidence.scene import Scene
from outrigger_loadtests.report.text import ELLIPSIS, one_line, shortened, times

NAMED_SIGN = "▶"
BESIDE_SIGN = "╎"
_WIDTH = 150
_LOG_GROUPS = 4  # of a log's end that are always shown


def checkpoint_lines(thread: Thread, scene: Scene) -> list[Line]:
    """Return a line per checkpoint, oldest first.

    `▶` is before those that a finding names, `╎` before those that the newest one does not stand
    on. `←` names a parent that is not the checkpoint before.
    """
    chain = thread.chain
    ranks = _ranks(thread, scene)
    on_line = set(chain.head_line)
    return [
        Line(_checkpoint_text(number, thread, scene, beside=number not in on_line), ranks[number])
        for number in range(len(chain.checkpoints))
    ]


def rest_lines(thread: Thread, scene: Scene) -> list[str]:
    """Say what the server showed at the end; what equals the state's log is not repeated."""
    settled = thread.settled
    quiet = "nobody waited" if settled is None else "quiet" if settled.quiet else "NOT quiet"
    status = thread.last_thread.status if thread.last_thread else "not read"
    lines = [f"at rest     thread {one_line(status, 40)}, {quiet}"]
    logs = {
        "state": thread.last_state.log if thread.last_state else None,
        "thread": thread.last_thread.log if thread.last_thread else None,
        "history": tuple(thread.chain.head_log) if thread.history else None,
    }
    for name, log in logs.items():
        if log is None:
            text = "not read"
        elif name != "state" and log == logs["state"]:
            text = "the same"
        else:
            text = log_text(log, scene)
        lines.append(f"  {name + ' log':<12}{text}")
    if thread.last_state and thread.last_state.questions:
        asks = " ".join(scene.token(each) for each in thread.last_state.questions)
        lines.append(shortened(f"  {'asks':<12}{asks}", _WIDTH))
    if thread.unexplained:
        ids = " ".join(one_line(each.run_id, 40) for each in thread.unexplained[:3])
        count = times(len(thread.unexplained), "run")
        lines.append(f"  {'besides':<12}{count} that nobody here created: {ids}")
    return lines


def log_text(log: Sequence[str], scene: Scene) -> str:
    """Return a log with each token's marks in a row said once; far ones are left out."""
    stretches = [(token, list(marks)) for token, marks in groupby(log, key=token_of)]
    shown: list[str] = []
    skipped = 0
    for number, (token, marks) in enumerate(stretches):
        rank = scene.rank_of_run(scene.run_of_token.get(token, ""))
        if rank == ELSEWHERE and number < len(stretches) - _LOG_GROUPS:
            skipped += len(marks)
            continue
        if skipped:
            shown.append(f"{ELLIPSIS} {times(skipped, 'mark')} {ELLIPSIS}")
            skipped = 0
        shown.append(f"{scene.token(token)}: {' '.join(_step(mark) for mark in marks)}")
    text = " | ".join(shown) or "empty"
    return text if len(text) <= _WIDTH else f"{ELLIPSIS}{text[-_WIDTH:]}"


def _ranks(thread: Thread, scene: Scene) -> list[int]:
    """Rank every checkpoint; the parent of a named one is near."""
    chain = thread.chain
    ranks = [_rank(each, scene) for each in chain.checkpoints]
    for number, rank in enumerate(list(ranks)):
        parent = chain.index.get(chain.checkpoints[number].parent_id)
        if rank == NAMED and parent is not None:
            ranks[parent] = min(ranks[parent], NEAR)
    return ranks


def _rank(checkpoint: Checkpoint, scene: Scene) -> int:
    if checkpoint.checkpoint_id in scene.checkpoints:
        return NAMED
    return scene.rank_of_run(checkpoint.run_id)


def _checkpoint_text(number: int, thread: Thread, scene: Scene, *, beside: bool) -> str:
    checkpoint = thread.chain.checkpoints[number]
    named = checkpoint.checkpoint_id in scene.checkpoints
    sign = NAMED_SIGN if named else BESIDE_SIGN if beside else " "
    token = scene.token_of_run.get(checkpoint.run_id, "")
    who = f"{scene.token(token) if token else ''} run {scene.run(checkpoint.run_id)}"
    name = f"{scene.checkpoint(checkpoint.checkpoint_id)}{_arrow(number, thread.chain, scene)}"
    parts = [f"{name}  {one_line(who)}"]
    if lost := _lost(number, thread.chain):
        parts.append(lost)
    if checkpoint.added:
        parts.append("+ " + " ".join(_added(checkpoint.added, token, scene)))
    if checkpoint.next:
        parts.append(f"next {one_line(' '.join(checkpoint.next))}")
    return shortened(f"{sign} {'  '.join(parts)}", _WIDTH)


def _arrow(number: int, chain: Chain, scene: Scene) -> str:
    """Name the parent when it is not the checkpoint before."""
    parent = chain.checkpoints[number].parent_id
    before = chain.checkpoints[number - 1].checkpoint_id if number else ""
    if parent == before:
        return ""
    if not parent:
        return " ← nothing"
    missing = "" if parent in chain.index else " (missing)"
    return f" ← {scene.checkpoint(parent)}{missing}"


def _lost(number: int, chain: Chain) -> str:
    """Say how many of its parent's marks a checkpoint dropped."""
    checkpoint = chain.checkpoints[number]
    parent = chain.index.get(checkpoint.parent_id)
    if parent is None or checkpoint.kept >= chain.lengths[parent]:
        return ""
    return f"KEPT {checkpoint.kept} of {times(chain.lengths[parent], 'mark')}"


def _added(marks: Iterable[str], token: str, scene: Scene) -> Iterable[str]:
    """Name new marks: the run's own ones by their step."""
    for mark in marks:
        own = bool(token) and token_of(mark) == token
        yield _step(mark) if own else f"{scene.token(token_of(mark))}:{_step(mark)}"


def _step(mark: str) -> str:
    return one_line(mark.partition(":")[2], 60)
