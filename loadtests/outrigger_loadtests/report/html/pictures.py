"""The pictures of what was found, drawn from a history: one for each example of a report."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from markupsafe import Markup

from outrigger_loadtests.history.operations import AnyOperation
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.report.evidence.scene import last_moment, scene_of
from outrigger_loadtests.report.findings import EXAMPLES
from outrigger_loadtests.report.html.timeline import thread_svg
from outrigger_loadtests.report.verdict_json import Document, FindingPart, RulePart
from outrigger_loadtests.verdict import Finding

MOST_PICTURES = 60
Pictures = Mapping[tuple[str, FindingPart], Markup]
"""By rule and example."""


def wanted_examples(document: Document) -> dict[str, list[tuple[RulePart, FindingPart]]]:
    """Return the examples that get a picture, by thread: of threads with a timeline."""
    found: dict[str, list[tuple[RulePart, FindingPart]]] = {}
    shown = (
        (rule, each)
        for rule in document.rules
        for each in rule.examples[:EXAMPLES]
        if each.thread in document.timelines
    )
    for number, (rule, each) in enumerate(shown):
        if number < MOST_PICTURES:
            found.setdefault(each.thread, []).append((rule, each))
    return found


def pictures(
    threads: Iterable[tuple[str, Sequence[AnyOperation]]],
    wanted: Mapping[str, Sequence[tuple[RulePart, FindingPart]]],
) -> Pictures:
    """Draw every wanted example; on a thread that was never opened there is nothing to draw."""
    drawn = {}
    numbers = count()
    for name, operations in threads:
        thread = read_thread(operations)
        if thread is None:
            continue
        moment = last_moment(operations)
        for rule, part in wanted[name]:
            finding = _finding(rule, part)
            scene = scene_of(operations, thread, [finding])
            svg = thread_svg(thread, scene, [finding], moment, f"picture-{next(numbers)}")
            drawn[rule.rule, part] = svg
    return drawn


def _finding(rule: RulePart, part: FindingPart) -> Finding:
    return Finding(
        rule.rule,
        part.message,
        part.thread,
        part.runs,
        part.checkpoints,
        part.between,
        rule.verdict,
        rule.reason,
    )
