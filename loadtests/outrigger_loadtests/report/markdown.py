"""`summary.md`: the outcome for a reader of a pull request or a build's summary page."""

import re
from collections.abc import Iterable, Iterator, Sequence

from outrigger_loadtests.report.findings import (
    TIMELINES,
    Crash,
    Example,
    Group,
    crashes,
    groups,
    total,
)
from outrigger_loadtests.report.outcome import CheckReport, Counts
from outrigger_loadtests.report.text import ELLIPSIS, NOTHING, one_line, printable, times
from outrigger_loadtests.verdict import Examination, Verdict

NO_REASON = "no leniency is named"
NOTES = 20
IDS = 6
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~&$]|^[-+#=]|^\d+(?=[.)](?:\s|$))")
_RUNS = tuple(Counts.__dataclass_fields__)


def summary_markdown(report: CheckReport) -> str:
    """Return the whole summary."""
    sections = [
        _banner(report),
        _facts(report),
        _notes(report),
        _capacity(report),
        _runs(report),
        _invariants(report),
        _broken_checks(crashes(report)),
        _findings(report),
        _forgiven(report),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def inline(text: str) -> str:
    """Return the text on one line, with nothing in it that Markdown or a table would act on."""
    return _SPECIAL.sub(_escaped, one_line(text))


def fenced(text: str, language: str = "text") -> list[str]:
    """Return the text as a fenced block whose fence is longer than any in the text."""
    text = printable(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.splitlines(), fence]


def cell(examination: Examination) -> str:
    """Return what one invariant came to with one label: `PASS 120`, `FAIL 3 of 120`."""
    verdict = examination.verdict
    if verdict is None:
        return NOTHING
    found = len(examination.findings)
    if not found:
        return f"{verdict} {examination.examined:,}"
    verdict_text = f"**{verdict}**" if verdict is Verdict.FAIL else str(verdict)
    return f"{verdict_text} {found:,} of {examination.examined:,}"


def _banner(report: CheckReport) -> list[str]:
    stopped = ", stopped early" if report.stopped_early else ""
    where = inline(report.target.url)
    if report.capacity is None or report.verdict is Verdict.FAIL:
        return [f"# {report.verdict}: double-texting on {where}{stopped}"]
    return [f"# {report.capacity.verdict.words}: capacity of {where}{stopped}"]


def _facts(report: CheckReport) -> list[str]:
    target = report.target
    parameters = ", ".join(f"{name} {value}" for name, value in report.parameters.items())
    load = [
        times(report.threads, "thread"),
        times(report.operations, "operation"),
        times(total(report), "finding"),
    ]
    when = f"{report.started_at}, {report.duration:.1f} s, version {report.version}"
    return [
        f"- Server: {inline(target.server)}, judged as {inline(target.profile) or 'unknown'}",
        f"- Load: {', '.join(load)}",
        f"- When: {inline(when)}",
        f"- Parameters: {inline(parameters)} (hash {report.parameters_hash})",
    ]


def _notes(report: CheckReport) -> list[str]:
    lines = [f"- Note: {inline(note)}" for note in report.notes[:NOTES]]
    if len(report.notes) > NOTES:
        lines.append(f"- {ELLIPSIS} {times(len(report.notes) - NOTES, 'note')} left out")
    return lines


def _capacity(report: CheckReport) -> list[str]:
    if report.capacity is None:
        return []
    head = ["Strategy", "Verdict", "Conversations/s", "Range", "Runs/s", "Why"]
    rows = [
        [
            inline(each.strategy),
            each.verdict.words,
            _figure(each.capacity),
            f"{_figure(each.low)} to {_figure(each.high)}" if each.capacity else NOTHING,
            _figure(each.runs),
            inline(each.reason),
        ]
        for each in report.capacity.strategies
    ]
    objectives = [
        f"p{each.percentile:g} {inline(each.operation)} at most {each.seconds:g} s"
        for each in report.capacity.objectives
    ]
    objectives.append(f"at most {report.capacity.error_budget:.2%} errors")
    return ["## Capacity", "", f"Under {', '.join(objectives)}.", "", *_table(head, rows)]


def _figure(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.3g}"


def _runs(report: CheckReport) -> list[str]:
    if not report.counts:
        return []
    head = ["Label", "Verdict", *(name.replace("_", " ") for name in _RUNS)]
    rows = []
    for label in report.labels:
        counts = report.counts.get(label, Counts())
        verdict = report.verdict_of_label(label)
        numbers = [f"{getattr(counts, name):,}" for name in _RUNS]
        rows.append([inline(label), verdict or NOTHING, *numbers])
    return ["## Runs", "", *_table(head, rows)]


def _invariants(report: CheckReport) -> list[str]:
    labels = report.labels
    head = ["Invariant", "Promise", *(inline(label) for label in labels)]
    rows = [
        [
            inline(name),
            inline(report.promises.get(name, "")),
            *(cell(report.examination(name, label)) for label in labels),
        ]
        for name in report.invariants
    ]
    legend = f"How often each promise could have been broken; {NOTHING}: not put to the test."
    return ["## Invariants", "", legend, "", *_table(head, rows)] if rows and labels else []


def _broken_checks(crashed: Sequence[Crash]) -> list[str]:
    if not crashed:
        return []
    lines = [f"- {inline(f'{each.invariant} {each.label}: {each.error}')}" for each in crashed]
    return ["## Checks that broke down", "", *lines]


def _findings(report: CheckReport) -> list[str]:
    found = [group for group in groups(report) if group.verdict is not Verdict.WARN]
    if not found:
        return []
    lines = ["## Findings"]
    shown: set[str] = set()
    for group in found:
        lines += ["", *_group(group, report, shown)]
    return lines


def _group(group: Group, report: CheckReport, shown: set[str]) -> Iterator[str]:
    by_label = ", ".join(f"{inline(label)} {count:,}" for label, count in group.labels.items())
    yield f"### {group.verdict} {inline(group.rule)}"
    yield ""
    promise = inline(report.promises.get(group.examples[0].finding.invariant, ""))
    where = f"{times(group.total, 'finding')} on {times(group.threads, 'thread')} ({by_label})"
    yield f"{promise}: {where}" if promise else where
    for number, example in enumerate(group.examples, 1):
        yield ""
        yield from _example(number, example, report, shown)
    if group.left_out:
        yield ""
        yield f"{ELLIPSIS} {times(group.left_out, 'finding')} left out."
    yield ""
    yield f"Seed {inline(str(report.parameters.get('seed', 'unknown')))}. To do it again:"
    yield ""
    yield from fenced(report.repeat, "sh")


def _example(number: int, example: Example, report: CheckReport, shown: set[str]) -> Iterator[str]:
    finding = example.finding
    yield f"{number}. {inline(finding.message)}"
    yield ""
    yield f"   Thread {inline(finding.thread)}, {inline(example.label)}{_ids('runs', finding.runs)}"
    timeline = report.timelines.get(finding.thread)
    if timeline is None:
        return
    yield ""
    if finding.thread in shown:
        yield "   Its timeline is above."
    elif len(shown) < TIMELINES:
        shown.add(finding.thread)
        yield from (f"   {line}".rstrip() for line in fenced(timeline))


def _ids(noun: str, ids: Sequence[str]) -> str:
    if not ids:
        return ""
    left_out = f" and {len(ids) - IDS:,} more" if len(ids) > IDS else ""
    return f", {noun} {' '.join(inline(each) for each in ids[:IDS])}{left_out}"


def _forgiven(report: CheckReport) -> list[str]:
    lines = [
        f"- {inline(group.rule)}, {times(group.total, 'finding')}: "
        f"{inline(group.reason or NO_REASON)}. First: {inline(group.examples[0].finding.message)}"
        for group in groups(report)
        if group.verdict is Verdict.WARN
    ]
    return ["## Warnings", "", *lines] if lines else []


def _escaped(match: re.Match[str]) -> str:
    """Put a backslash before what would be markup; behind a number, where a list would begin."""
    found = match.group()
    return f"{found}\\" if found.isdigit() else f"\\{found}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [list(head), ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
