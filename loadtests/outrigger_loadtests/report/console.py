"""The end of a check as its terminal shows it: short enough for one screen."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from outrigger_loadtests.report.findings import Group, crashes, groups
from outrigger_loadtests.report.outcome import CheckReport, Counts
from outrigger_loadtests.report.text import ELLIPSIS, one_line, printable, times
from outrigger_loadtests.verdict import Verdict

RULES = 10
NOTES = 10
CRASHES = 5
MESSAGE_LENGTH = 160
_STYLES = {
    Verdict.PASS: "bold green",
    Verdict.WARN: "bold yellow",
    Verdict.UNKNOWN: "bold magenta",
    Verdict.FAIL: "bold red",
}
_RUNS = tuple(Counts.__dataclass_fields__)
_NOT_TESTED = "not tested"


def print_summary(console: Console, report: CheckReport, files: Iterable[Path] = ()) -> None:
    """Print the verdict, a line per label, the worst findings and how to go on."""
    _print(console, _banner(report))
    for note in report.notes[:NOTES]:
        _print(console, Text(f"note: {one_line(note)}"))
    if report.labels:
        console.print(_labels(report))
    for crash in crashes(report)[:CRASHES]:
        line = f"{crash.invariant} {crash.label}: the check broke down: {crash.error}"
        _print(console, Text(one_line(line, MESSAGE_LENGTH)))
    _print_rules(console, groups(report))
    for path in files:
        _print(console, Text(f"wrote {printable(str(path))}"))
    _print(console, Text(f"again: {printable(report.repeat)}"))


def _banner(report: CheckReport) -> Text:
    verdict = report.verdict
    stopped = ", stopped early" if report.stopped_early else ""
    target = report.target
    text = (
        f" {one_line(target.url)} (server {one_line(target.server, 40)}, "
        f"profile {one_line(target.profile, 40)}): {times(report.threads, 'thread')}, "
        f"{times(report.operations, 'operation')}, {report.duration:.0f} s{stopped}"
    )
    return Text.assemble((str(verdict), _STYLES[verdict]), text)


def _labels(report: CheckReport) -> Table:
    """A column per label: what became of its runs, and what its invariants came to."""
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("")
    for label in report.labels:
        table.add_column(Text(one_line(label, 20)), justify="right")
    table.add_row("verdict", *(_verdict(report, label) for label in report.labels))
    for name in _RUNS:
        counts = (report.counts.get(label, Counts()) for label in report.labels)
        table.add_row(name.replace("_", " "), *(f"{getattr(each, name):,}" for each in counts))
    table.add_section()
    verdicts = [_verdicts(report, label) for label in report.labels]
    for verdict in (*Verdict, None):
        if any(each[verdict] for each in verdicts):
            title = f"invariants {verdict or _NOT_TESTED}"
            table.add_row(title, *(str(each[verdict]) for each in verdicts))
    return table


def _verdict(report: CheckReport, label: str) -> Text:
    verdict = report.verdict_of_label(label)
    return Text(str(verdict), _STYLES[verdict]) if verdict else Text(_NOT_TESTED)


def _verdicts(report: CheckReport, label: str) -> Counter[Verdict | None]:
    return Counter(report.examination(name, label).verdict for name in report.invariants)


def _print_rules(console: Console, found: Sequence[Group]) -> None:
    for group in found[:RULES]:
        example = group.examples[0].finding
        message = one_line(example.message, MESSAGE_LENGTH)
        reason = f" [{one_line(group.reason, MESSAGE_LENGTH)}]" if group.reason else ""
        rule = f" {one_line(group.rule, 40)} ({times(group.total, 'finding')}): "
        thread = f" (thread {one_line(example.thread, 40)})"
        verdict = (str(group.verdict), _STYLES[group.verdict])
        _print(console, Text.assemble(verdict, rule, message, thread, reason))
    if len(found) > RULES:
        _print(console, Text(f"{ELLIPSIS} {times(len(found) - RULES, 'rule')} left out"))


def _print(console: Console, text: Text) -> None:
    """Print one line that can be copied: the terminal breaks it, not we."""
    console.print(text, soft_wrap=True)
