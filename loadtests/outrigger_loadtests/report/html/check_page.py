"""The page of a check, from what its other files say."""

from markupsafe import Markup

from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.profiles import OUTRIGGER, Bounds, profile_named
from outrigger_loadtests.report.html.capacity_sections import ROLES, capacity_sections
from outrigger_loadtests.report.html.downloads import (
    capacity_histograms_link,
    histograms_link,
)
from outrigger_loadtests.report.html.grafana import grafana_link
from outrigger_loadtests.report.html.markup import element, fragment
from outrigger_loadtests.report.html.measured import bands_of, begin_of, plots_of, times_table
from outrigger_loadtests.report.html.page import (
    Cell,
    Example,
    Found,
    Link,
    Page,
    Section,
    Table,
)
from outrigger_loadtests.report.html.pictures import Pictures
from outrigger_loadtests.report.html.plot import Band
from outrigger_loadtests.report.measures import Measures
from outrigger_loadtests.report.text import ELLIPSIS, NOTHING, times
from outrigger_loadtests.report.verdict_json import Document, FindingPart, ResultPart, RulePart
from outrigger_loadtests.verdict import Verdict

EXAMPLES = 5
LONGEST_FACT = 100  # characters
_KEYS = (
    ("possibly", "possibly in flight", "key enqueue possibly"),
    ("definitely", "definitely in flight", "key enqueue"),
    ("forbidden", "what must not be", "key forbidden"),
)


def check_page(
    document: Document, measures: Measures, pictures: Pictures, grafana_url: str = ""
) -> Page:
    """Return the page; `pictures` are those of its findings."""
    target = document.target
    capacity = document.capacity
    return Page(
        title=f"{'double-texting on' if capacity is None else 'capacity of'} {target.url}",
        verdict=_banner(document)[0],
        role=_banner(document)[1],
        headline=_headline(document),
        facts=_facts(document),
        notes=document.notes,
        links=_links(document, measures, grafana_url),
        sections=[
            *([] if capacity is None else capacity_sections(capacity, _fault_bands(measures))),
            _strategies(document),
            _findings(document, pictures),
            _times(measures, _bounds(target.profile)),
            _plots(measures),
            _faults(measures),
            _invariants(document),
            _parameters(document),
        ],
        repeat=document.repeat,
    )


def _banner(document: Document) -> tuple[str, str]:
    """Return the verdict and its colour; how much a server holds counts when it holds at all."""
    if document.capacity is None or document.verdict is Verdict.FAIL:
        return document.verdict, document.verdict.lower()
    return document.capacity.verdict.words, ROLES[document.capacity.verdict]


def _headline(document: Document) -> str:
    stopped = ", stopped early" if document.stopped_early else ""
    return (
        f"{times(document.threads, 'thread')}, {times(document.operations, 'operation')}, "
        f"{times(document.findings, 'finding')} in {document.duration_seconds:.0f} s{stopped}"
    )


def _facts(document: Document) -> list[tuple[str, str]]:
    long = _long_parameters(document)
    short = {name: each for name, each in document.parameters.items() if name not in long}
    parameters = ", ".join(f"{name} {value}" for name, value in short.items())
    server = {} if document.capacity is None else document.capacity.server
    environment = ", ".join(f"{name} {value}" for name, value in document.environment.items())
    return [
        ("Server", f"{document.target.url}, version {document.target.server}"),
        *((f"Its {name}", value) for name, value in server.items()),
        ("Judged as", document.target.profile or "unknown"),
        ("Began", document.started_at),
        ("Tool", f"{document.tool.name} {document.tool.version}"),
        ("Parameters", f"{parameters}, {ELLIPSIS}" if long else parameters),
        ("Their hash", document.parameters_hash),
        ("Environment", environment or "not written down"),
    ]


def _links(document: Document, measures: Measures, grafana_url: str) -> list[Link]:
    address = grafana_url or document.grafana_url
    grafana = grafana_link(address, document.started_at, document.duration_seconds)
    links = [Link("The same time in Grafana", grafana)] if grafana else []
    if document.capacity is not None:
        links.append(capacity_histograms_link(document.capacity))
    return [*links, histograms_link(measures)] if measures.keys else links


def _bounds(profile: str) -> Bounds:
    try:
        return profile_named(profile).bounds
    except UsageError:  # of another version of the tool
        return OUTRIGGER.bounds


def _strategies(document: Document) -> Section:
    """What became of the messages of each strategy."""
    names = [name.replace("_", " ") for name in _counts(document)]
    rows = [
        [
            Cell(each.label, each.label),
            _verdict(each.verdict),
            *(Cell(f"{getattr(each.counts, name):,}") for name in _counts(document)),
        ]
        for each in document.labels
    ]
    table = Table(["strategy", "verdict", *names], rows)
    return Section("strategies", "Runs", "What became of every message.", [table] if rows else [])


def _counts(document: Document) -> tuple[str, ...]:
    return document.labels[0].counts.__struct_fields__ if document.labels else ()


def _verdict(verdict: str | None) -> Cell:
    return Cell(verdict, verdict.lower()) if verdict else Cell(NOTHING, "nothing")


def _invariants(document: Document) -> Section:
    labels = [each.label for each in document.labels]
    rows = [
        [
            Cell(each.name),
            Cell(each.promise, "words"),
            *(_result(result) for result in each.results),
        ]
        for each in document.invariants
    ]
    table = Table(["invariant", "promise", *labels], rows, words=frozenset({1}))
    lead = f"How often each promise could have been broken; {NOTHING}: not put to the test."
    return Section("invariants", "Invariants", lead, [table] if rows and labels else [])


def _parameters(document: Document) -> Section:
    """The parameters that are too long for the head of the page."""
    rows = [[Cell(name), Cell(each, "words")] for name, each in _long_parameters(document).items()]
    tables = [Table(["parameter", "value"], rows, words=frozenset({1}))] if rows else []
    return Section("parameters", "Parameters", tables=tables)


def _long_parameters(document: Document) -> dict[str, str]:
    told = {name: str(each) for name, each in document.parameters.items()}
    return {name: each for name, each in told.items() if len(each) > LONGEST_FACT}


def _result(result: ResultPart) -> Cell:
    if result.verdict is None:
        return Cell(NOTHING, "nothing")
    if not result.findings:
        return Cell(f"{result.verdict} {result.examined:,}", result.verdict.lower())
    words = f"{result.verdict} {result.findings:,} of {result.examined:,}"
    return Cell(words, result.verdict.lower())


def _findings(document: Document, pictures: Pictures) -> Section:
    shown: set[str] = set()
    found = [_rule(each, document, pictures, shown) for each in document.rules]
    crashes = [f"{each.invariant} {each.label}: {each.error}" for each in document.crashes]
    lead = (
        "Above, when each run was in flight as far as a client can know; below, the checkpoints "
        "as the server chained them, with an arrow to the parent of each."
    )
    return Section(
        "findings",
        "What was found",
        lead if found else "",
        found=found,
        lines=[f"A check broke down: {each}" for each in crashes],
        legend=_legend() if pictures else Markup(),
    )


def _legend() -> Markup:
    keys = (element("span", element("i", class_=role), words) for _, words, role in _KEYS)
    return element("p", fragment(*keys), class_="legend")


def _rule(rule: RulePart, document: Document, pictures: Pictures, shown: set[str]) -> Found:
    promise = next(
        (each.promise for each in document.invariants if each.name == rule.invariant), ""
    )
    where = f"{times(rule.total, 'finding')} on {times(rule.threads, 'thread')}"
    forgiven = f" Forgiven: {rule.reason}." if rule.reason else ""
    examples = rule.examples[:EXAMPLES]
    left = rule.total - len(examples)
    return Found(
        role=rule.verdict.lower(),
        rule=rule.rule,
        told=f"{promise or rule.invariant}: {where}.{forgiven}",
        examples=[_example(rule, each, document, pictures, shown) for each in examples],
        left_out=f"{ELLIPSIS} {times(left, 'finding')} left out." if left else "",
    )


def _example(
    rule: RulePart, part: FindingPart, document: Document, pictures: Pictures, shown: set[str]
) -> Example:
    runs = f", {times(part.runs_total, 'run')}: {' '.join(part.runs)}" if part.runs else ""
    where = f"Thread {part.thread}, {part.label}{runs}"
    text = "" if part.thread in shown else document.timelines.get(part.thread, "")
    shown.add(part.thread)
    return Example(part.message, where, pictures.get((rule.rule, part), Markup()), text)


def _times(measures: Measures, bounds: Bounds) -> Section:
    table = times_table(measures, bounds)
    lead = "As the client saw it; a bound that was broken is among the findings."
    return Section("times", "Times", lead, [table] if table.rows else [])


def _plots(measures: Measures) -> Section:
    return Section("plots", "Over time", plots=plots_of(measures))


def _fault_bands(measures: Measures) -> list[Band]:
    bands = bands_of(measures, begin_of(measures))
    return [each for each in bands if each.kind == "fault"]


def _faults(measures: Measures) -> Section:
    zero = begin_of(measures)
    rows = [
        [
            Cell(each.name, "fault"),
            Cell(f"{(each.start - zero) / 1e9:.1f} s"),
            Cell(f"{(each.stop - each.start) / 1e9:.2f} s"),
        ]
        for each in measures.faults
    ]
    tables = [Table(["fault", "began at", "lasted"], rows)] if rows else []
    lead = "What was done to the server meanwhile; the plots show it as bands."
    return Section("faults", "Faults", lead, tables)
