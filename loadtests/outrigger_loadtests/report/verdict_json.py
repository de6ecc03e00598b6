"""`verdict.json`: the outcome for machines. These classes are its schema, version 1.

`verdict.schema.json` is written from them. Something new may be added at any time; what is taken
away or renamed needs a new version. Lists are bounded and say how much there was.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from outrigger_loadtests.errors import UnreadableReport
from outrigger_loadtests.report.capacity_json import CapacityPart
from outrigger_loadtests.report.findings import (
    TIMELINES,
    Crash,
    Example,
    Group,
    crashes,
    groups,
    total,
)
from outrigger_loadtests.report.outcome import CheckReport, Counts, Parameter
from outrigger_loadtests.report.text import one_line, printable
from outrigger_loadtests.verdict import Verdict

SCHEMA = "outrigger-loadtest/verdict/1"
VERDICT = "verdict.json"
TOOL = "outrigger-loadtest"
EXAMPLES = 20
IDS = 20
NOTES = 100
_WHOLE_NUMBERS = 1 << 53  # what every reader of JSON can hold


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the document."""


class Tool(_Part, frozen=True):
    """What made the document."""

    name: str
    version: str


class TargetPart(_Part, frozen=True):
    """The server that was tested."""

    url: str
    server: str
    profile: str


class CountsPart(_Part, frozen=True):
    """What became of the creates of one label."""

    accepted: int
    refused: int
    unknown: int
    succeeded: int
    interrupted: int
    dropped: int
    rolled_back: int


class LabelPart(_Part, frozen=True):
    """One label; `verdict` is null when nothing was put to the test."""

    label: str
    verdict: Verdict | None
    counts: CountsPart


class ResultPart(_Part, frozen=True):
    """One invariant with one label; `verdict` is null when it was not put to the test."""

    label: str
    verdict: Verdict | None
    examined: int
    findings: int


class InvariantPart(_Part, frozen=True):
    """One promise."""

    name: str
    promise: str
    verdict: Verdict | None
    results: tuple[ResultPart, ...]


class FindingPart(_Part, frozen=True):
    """One broken promise. `between` are nanoseconds of the client's clock."""

    label: str
    thread: str
    message: str
    runs: tuple[str, ...]
    runs_total: int
    checkpoints: tuple[str, ...]
    checkpoints_total: int
    between: tuple[int, int] | None


class RulePart(_Part, frozen=True):
    """All findings of one rule and verdict, with the first of them."""

    rule: str
    invariant: str
    verdict: Verdict
    reason: str
    total: int
    threads: int
    examples: tuple[FindingPart, ...]


class CrashPart(_Part, frozen=True):
    """A check that broke down."""

    invariant: str
    label: str
    error: str


class Document(_Part, frozen=True, tag_field="schema", tag=SCHEMA):
    """The whole outcome of a check, or of a capacity test, which checks as well."""

    verdict: Verdict
    exit_code: int
    stopped_early: bool
    tool: Tool
    started_at: str
    duration_seconds: float
    target: TargetPart
    parameters: dict[str, Parameter]
    parameters_hash: str
    threads: int
    operations: int
    findings: int
    labels: tuple[LabelPart, ...]
    invariants: tuple[InvariantPart, ...]
    rules: tuple[RulePart, ...]
    crashes: tuple[CrashPart, ...]
    timelines: dict[str, str]
    repeat: str
    notes: tuple[str, ...]
    environment: dict[str, str] = {}
    grafana_url: str = ""
    capacity: CapacityPart | None = None


def verdict_json(report: CheckReport) -> bytes:
    """Return the document, indented, with a line end."""
    return msgspec.json.format(msgspec.json.encode(document(report)), indent=2) + b"\n"


def read_verdict(folder: Path) -> Document:
    """Return the document in a folder.

    Raises:
        UnreadableReport: The file is none of ours.
        OSError: It cannot be read.
    """
    path = folder / VERDICT
    try:
        return msgspec.json.decode(path.read_bytes(), type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableReport(path, str(error)) from error


def schema_json() -> bytes:
    """Return the JSON Schema of the document, as it is in `verdict.schema.json`."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        **msgspec.json.schema(Document),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def document(report: CheckReport) -> Document:
    """Return the report as the document's own values."""
    return Document(
        verdict=report.verdict,
        exit_code=report.exit_code,
        stopped_early=report.stopped_early,
        tool=Tool(name=TOOL, version=report.version),
        started_at=printable(report.started_at),
        duration_seconds=report.duration,
        target=TargetPart(
            url=printable(report.target.url),
            server=one_line(report.target.server),
            profile=printable(report.target.profile),
        ),
        parameters={printable(name): _parameter(each) for name, each in report.parameters.items()},
        parameters_hash=report.parameters_hash,
        threads=report.threads,
        operations=report.operations,
        findings=total(report),
        labels=tuple(_label(report, label) for label in report.labels),
        invariants=tuple(_invariant(report, name) for name in report.invariants),
        rules=tuple(_rule(group) for group in groups(report, EXAMPLES)),
        crashes=tuple(_crash(crash) for crash in crashes(report)),
        timelines=_timelines(report),
        repeat=printable(report.repeat),
        notes=tuple(one_line(note) for note in report.notes[:NOTES]),
        environment={printable(k): one_line(v) for k, v in report.environment.items()},
        grafana_url=printable(report.grafana_url),
        capacity=report.capacity,
    )


def _timelines(report: CheckReport) -> dict[str, str]:
    shown = list(report.timelines.items())[:TIMELINES]
    return {printable(thread): printable(text) for thread, text in shown}


def _label(report: CheckReport, label: str) -> LabelPart:
    counts = report.counts.get(label, Counts())
    return LabelPart(
        label=printable(label),
        verdict=report.verdict_of_label(label),
        counts=msgspec.convert(counts, CountsPart, from_attributes=True),
    )


def _invariant(report: CheckReport, name: str) -> InvariantPart:
    return InvariantPart(
        name=printable(name),
        promise=one_line(report.promises.get(name, "")),
        verdict=report.verdict_of_invariant(name),
        results=tuple(_result(report, name, label) for label in report.labels),
    )


def _result(report: CheckReport, name: str, label: str) -> ResultPart:
    examination = report.examination(name, label)
    return ResultPart(
        label=printable(label),
        verdict=examination.verdict,
        examined=examination.examined,
        findings=len(examination.findings),
    )


def _rule(group: Group) -> RulePart:
    return RulePart(
        rule=printable(group.rule),
        invariant=printable(group.examples[0].finding.invariant),
        verdict=group.verdict,
        reason=one_line(group.reason),
        total=group.total,
        threads=group.threads,
        examples=tuple(_finding(example) for example in group.examples),
    )


def _finding(example: Example) -> FindingPart:
    finding = example.finding
    return FindingPart(
        label=printable(example.label),
        thread=printable(finding.thread),
        message=one_line(finding.message),
        runs=_ids(finding.runs),
        runs_total=len(finding.runs),
        checkpoints=_ids(finding.checkpoints),
        checkpoints_total=len(finding.checkpoints),
        between=finding.between,
    )


def _crash(crash: Crash) -> CrashPart:
    return CrashPart(
        invariant=printable(crash.invariant),
        label=printable(crash.label),
        error=one_line(crash.error),
    )


def _ids(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(one_line(each) for each in list(ids)[:IDS])


def _parameter(value: Parameter) -> Parameter:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, int) and abs(value) >= _WHOLE_NUMBERS:
        return str(value)
    return value
