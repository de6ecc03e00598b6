"""JUnit XML for build servers: a suite per label, a case per invariant.

What was not put to the test is skipped, FAIL is a failure, UNKNOWN is an error. A WARN passes and
says which leniency let it pass. A capacity test has a suite more, with a case for each strategy.
When nothing at all was put to the test there is one error, so
that no build takes it for a pass.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from outrigger_loadtests.report.capacity_json import CapacityPart, CapacityVerdict
from outrigger_loadtests.report.outcome import CheckReport, worst_of
from outrigger_loadtests.report.text import ELLIPSIS, first_lines, one_line, printable, times
from outrigger_loadtests.verdict import Examination, Finding, Verdict

NAME = "double-texting"
CAPACITY = "capacity"
FINDINGS = 5
TIMELINE_LINES = 40
NOT_TESTED = "not put to the test"
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def junit_xml(report: CheckReport) -> bytes:
    """Return the whole document."""
    root = ET.Element("testsuites", name=NAME)
    suites = [_suite(report, label) for label in report.labels]
    if report.capacity is not None:
        suites.append(_capacity_suite(report, report.capacity))
    elif worst_of(report.examinations.values()) is None:
        suites.append(_empty_suite(report))
    root.extend(suites)
    _count(root)
    root.set("time", f"{report.duration:.3f}")
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _suite(report: CheckReport, label: str) -> ET.Element:
    suite = ET.Element("testsuite", name=printable(f"{NAME}.{label}"))
    suite.set("timestamp", one_line(report.started_at))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report).items():
        ET.SubElement(properties, "property", name=one_line(name), value=printable(value))
    for name in report.invariants:
        suite.append(_case(report, name, label))
    _count(suite)
    return suite


def _empty_suite(report: CheckReport) -> ET.Element:
    suite = ET.Element("testsuite", name=NAME, timestamp=one_line(report.started_at))
    case = ET.SubElement(suite, "testcase", classname=NAME, name="anything is put to the test")
    message = "nothing was put to the test"
    error = ET.SubElement(case, "error", message=message, type=Verdict.UNKNOWN)
    error.text = "\n".join(printable(note) for note in report.notes) or message
    _count(suite)
    return suite


def _capacity_suite(report: CheckReport, capacity: CapacityPart) -> ET.Element:
    """A case for each strategy; without one the generator could not keep up, or was stopped."""
    suite = ET.Element("testsuite", name=CAPACITY, timestamp=one_line(report.started_at))
    for each in capacity.strategies:
        suite.append(_capacity_case(each.strategy, each.verdict, each.reason))
    if not capacity.strategies:
        suite.append(_capacity_case("anything", capacity.verdict, "; ".join(report.notes)))
    _count(suite)
    return suite


def _capacity_case(name: str, verdict: CapacityVerdict, reason: str) -> ET.Element:
    case = ET.Element("testcase", classname=CAPACITY, name=printable(f"{name} is measured"))
    if verdict is not CapacityVerdict.PASS:
        tag = "error" if verdict is CapacityVerdict.INCONCLUSIVE else "failure"
        told = one_line(reason) or verdict.words
        ET.SubElement(case, tag, message=told, type=verdict.words).text = told
    return case


def _properties(report: CheckReport) -> dict[str, str]:
    return {
        "target": report.target.url,
        "server": report.target.server,
        "profile": report.target.profile,
        **{f"parameter.{name}": str(value) for name, value in report.parameters.items()},
        "parameters_hash": report.parameters_hash,
        "repeat": report.repeat,
    }


def _case(report: CheckReport, name: str, label: str) -> ET.Element:
    examination = report.examination(name, label)
    promise = one_line(report.promises.get(name, ""))
    case = ET.Element("testcase", classname=printable(f"{NAME}.{label}"))
    case.set("name", printable(f"{name} {promise}".strip()))
    match examination.verdict:
        case None:
            ET.SubElement(case, "skipped", message=NOT_TESTED)
        case Verdict.FAIL:
            case.append(_broken("failure", Verdict.FAIL, examination, report))
        case Verdict.UNKNOWN:
            case.append(_broken("error", Verdict.UNKNOWN, examination, report))
        case _:
            pass
    if forgiven := _forgiven(examination):
        ET.SubElement(case, "system-out").text = forgiven
    return case


def _broken(
    tag: str, verdict: Verdict, examination: Examination, report: CheckReport
) -> ET.Element:
    found = [each for each in examination.findings if each.verdict is verdict]
    crash = f"the check broke down: {one_line(examination.crash)}" if examination.crash else ""
    first = one_line(found[0].message) if found else crash
    more = f" (and {len(found) - 1:,} more)" if len(found) > 1 else ""
    element = ET.Element(tag, message=first + more)
    element.set("type", printable(found[0].rule) if found else verdict)
    lines = [_finding_text(each) for each in found[:FINDINGS]]
    if len(found) > FINDINGS:
        lines.append(f"{ELLIPSIS} {times(len(found) - FINDINGS, 'finding')} left out")
    if crash:
        lines.append(crash)
    timeline = _timeline(found, report)
    element.text = "\n".join([*lines, "", timeline] if timeline else lines)
    return element


def _finding_text(finding: Finding) -> str:
    return printable(f"{finding.rule}: {one_line(finding.message)} [thread {finding.thread}]")


def _timeline(found: Sequence[Finding], report: CheckReport) -> str:
    """Return the beginning of the first timeline that shows one of the findings."""
    for finding in found:
        if finding.thread in report.timelines:
            return printable(first_lines(report.timelines[finding.thread], TIMELINE_LINES))
    return ""


def _forgiven(examination: Examination) -> str:
    """Name each rule that was forgiven, how often and why."""
    counts: dict[tuple[str, str], int] = {}
    for finding in examination.findings:
        if finding.verdict is Verdict.WARN:
            key = finding.rule, finding.reason
            counts[key] = counts.get(key, 0) + 1
    return "\n".join(
        f"WARN {printable(rule)}, {times(count, 'finding')}: {one_line(reason)}"
        for (rule, reason), count in counts.items()
    )


def _count(element: ET.Element) -> None:
    element.set("tests", str(sum(1 for _ in element.iter("testcase"))))
    for attribute, tag in _COUNTED.items():
        element.set(attribute, str(sum(1 for _ in element.iter(tag))))
