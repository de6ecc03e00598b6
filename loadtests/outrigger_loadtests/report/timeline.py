"""One thread's timeline as text: the least that lets somebody see for themselves what went wrong.

    what was sent and what came back, in the order it was sent
    in flight     bars: when each run was in flight
    checkpoints   the chain the server built, and which run wrote what
    at rest       what the server showed at the end

Times are seconds since the thread's first operation.
"""

from collections.abc import Iterable, Sequence

from outrigger_loadtests.history.operations import AnyOperation
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.report.evidence.bars import bar_lines
from outrigger_loadtests.report.evidence.checkpoints import checkpoint_lines, rest_lines
from outrigger_loadtests.report.evidence.lines import Line, excerpt
from outrigger_loadtests.report.evidence.operations import operation_lines
from outrigger_loadtests.report.evidence.scene import (
    Scene,
    last_moment,
    scene_of,
)
from outrigger_loadtests.report.text import one_line
from outrigger_loadtests.verdict import Finding

OPERATION_LINES = 34
BAR_LINES = 15
CHECKPOINT_LINES = 18
_BETWEEN = 3  # marked stretches of time
_NEVER_OPENED = "The thread was never opened, so nothing is known of its runs."


def evidence_timeline(
    operations: Sequence[AnyOperation], thread: Thread | None, findings: Iterable[Finding]
) -> str:
    """Tell what findings name and what was in flight beside it, in at most about 80 lines.

    Wherever something is missing, a line says how much.
    """
    findings = list(findings)
    scene = scene_of(operations, thread, findings)
    between = [finding.between for finding in findings if finding.between]
    budgets = OPERATION_LINES, BAR_LINES, CHECKPOINT_LINES
    return _told(operations, thread, scene, between, budgets)


def _told(
    operations: Sequence[AnyOperation],
    thread: Thread | None,
    scene: Scene,
    between: Sequence[tuple[int, int]],
    budgets: tuple[int, int, int],
) -> str:
    head = f"thread {one_line(scene.thread, 80)}   seconds since its first operation"
    lines = [head, *excerpt(operation_lines(operations, scene), budgets[0], "operations")]
    if thread is None:
        return "\n".join([*lines, _NEVER_OPENED])
    between = between[:_BETWEEN]
    room = budgets[1] - len(between)
    bars = bar_lines(thread, scene, last_moment(operations), between, room)
    lines += _section(excerpt(bars, budgets[1], "runs"))
    chain = [Line("checkpoints, oldest first; ← a parent that is not the line before")]
    chain += checkpoint_lines(thread, scene)
    lines += _section(excerpt(chain, budgets[2], "checkpoints")) if len(chain) > 1 else []
    lines += _section(rest_lines(thread, scene))
    return "\n".join(lines)


def _section(lines: Sequence[str]) -> list[str]:
    return ["", *lines] if lines else []
