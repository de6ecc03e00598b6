"""The findings of a report grouped by rule, with a few examples of each: there may be 10,000s.

Every form of the report shows the same groups and the same first examples, so the command draws
timelines only for the threads that `evidence` names.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from outrigger_loadtests.report.outcome import CheckReport
from outrigger_loadtests.verdict import Finding, Verdict

EXAMPLES = 5
TIMELINES = 20
_ORDER = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN, Verdict.PASS)


@dataclass(frozen=True)
class Example:
    """One finding, and the label of the thread it was made on."""

    label: str
    finding: Finding


@dataclass(frozen=True)
class Group:
    """All findings of one rule that came to the same verdict.

    `labels` counts them by label; `examples` are the first ones, each on a thread of its own as
    long as there are enough of them.
    """

    rule: str
    verdict: Verdict
    reason: str
    total: int
    threads: int
    labels: Mapping[str, int]
    examples: tuple[Example, ...]

    @property
    def left_out(self) -> int:
        """How many findings are not among the examples."""
        return self.total - len(self.examples)


@dataclass(frozen=True)
class Crash:
    """A check that broke down."""

    invariant: str
    label: str
    error: str


def groups(report: CheckReport, examples: int = EXAMPLES) -> list[Group]:
    """Group the findings of a report: the worst first, then in the order of the invariants."""
    found: dict[tuple[str, Verdict], list[Example]] = {}
    for invariant in report.invariants:
        for label in report.labels:
            for finding in report.examination(invariant, label).findings:
                key = finding.rule, finding.verdict
                found.setdefault(key, []).append(Example(label, finding))
    grouped = [_group(rule, verdict, all_, examples) for (rule, verdict), all_ in found.items()]
    return sorted(grouped, key=lambda group: _ORDER.index(group.verdict))


def crashes(report: CheckReport) -> list[Crash]:
    """Return the checks that broke down, in the order of the invariants."""
    return [
        Crash(invariant, label, crash)
        for invariant in report.invariants
        for label in report.labels
        if (crash := report.examination(invariant, label).crash)
    ]


def evidence(report: CheckReport, limit: int = TIMELINES) -> dict[str, list[Finding]]:
    """Return the threads whose timelines the report shows, and what was found on each.

    The first example of every group comes before the second of any.
    """
    chosen: dict[str, list[Finding]] = {}
    for rank in zip_longest(*(group.examples for group in groups(report))):
        for example in rank:
            if example is None:
                continue
            thread = example.finding.thread
            if thread in chosen or len(chosen) < limit:
                chosen.setdefault(thread, []).append(example.finding)
    return chosen


def total(report: CheckReport) -> int:
    """Return how many findings there are."""
    return sum(len(each.findings) for each in report.examinations.values())


def _group(rule: str, verdict: Verdict, found: Sequence[Example], examples: int) -> Group:
    return Group(
        rule=rule,
        verdict=verdict,
        reason=next((each.finding.reason for each in found if each.finding.reason), ""),
        total=len(found),
        threads=len({each.finding.thread for each in found}),
        labels=Counter(each.label for each in found),
        examples=tuple(_one_per_thread_first(found)[:examples]),
    )


def _one_per_thread_first(found: Iterable[Example]) -> list[Example]:
    seen: set[str] = set()
    first: list[Example] = []
    rest: list[Example] = []
    for each in found:
        (rest if each.finding.thread in seen else first).append(each)
        seen.add(each.finding.thread)
    return first + rest
