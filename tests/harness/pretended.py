"""The folder of a check that was held with the fake server in simulated time.

It takes a moment, not minutes. Judging, measuring, reporting and the files are the product's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fakes.graph_server.bugs import CORRECT, Bug
from harness.simulated import converse, plans
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.environment import environment_here
from outrigger_loadtests.history.file import HISTORY, append, operations_of_threads
from outrigger_loadtests.history.operations import Faulted
from outrigger_loadtests.judging import Judgement, judge_history
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.profiles import OUTRIGGER
from outrigger_loadtests.report.files import PAGE, write_report
from outrigger_loadtests.report.findings import evidence
from outrigger_loadtests.report.measures import Stretch
from outrigger_loadtests.report.outcome import CheckReport, Target
from outrigger_loadtests.report.timeline import evidence_timeline


@dataclass(frozen=True)
class Pretended:
    """A folder with everything that a check leaves."""

    folder: Path
    report: CheckReport

    @property
    def page(self) -> str:
        return (self.folder / PAGE).read_text()


def pretended_check(
    folder: Path,
    bugs: Iterable[Bug] = CORRECT,
    conversations: int = 30,
    *,
    seed: int = 3,
    faults: Iterable[tuple[str, float, float]] = (),
    **changes: object,
) -> Pretended:
    """Hold conversations, judge them and write the folder; `faults` are seconds from the start."""
    history = folder / HISTORY
    folder.mkdir(parents=True)
    told = converse(plans(seed, range(conversations)), seed, frozenset(bugs))
    for each in told:
        append(history, each)
    zero = min(each.invoked for operations in told for each in operations)
    append(history, [_fault(zero, *each) for each in faults])
    judgement = judge_history(history, OUTRIGGER, INVARIANTS)
    report = _report(judgement, seed, **changes)
    timelines = {
        name: evidence_timeline(operations, read_thread(operations), evidence(report)[name])
        for name, operations in operations_of_threads(history, evidence(report))
    }
    report = CheckReport(**{**vars(report), "timelines": timelines})
    measures = judgement.measures
    stop = (measures.last + 1) * measures.width
    measures.stages = (Stretch("sending", zero, stop),)
    write_report(report, folder, measures)
    return Pretended(folder, report)


def _fault(zero: int, name: str, start: float, stop: float) -> Faulted:
    begin, end = (zero + int(each * NANOSECONDS) for each in (start, stop))
    return Faulted(thread="", name=name, invoked=begin, completed=end)


def _report(judgement: Judgement, seed: int, **changes: object) -> CheckReport:
    given: dict[str, object] = {
        "version": "0.1.0",
        "started_at": "2026-01-02T03:04:05+00:00",
        "duration": 30.0,
        "target": Target("http://127.0.0.1:8123", "0.1.0", OUTRIGGER.name),
        "parameters": {"strategy": "all", "probe": "all", "threads": 30, "seed": seed},
        "threads": judgement.threads,
        "operations": judgement.operations,
        "promises": {each.name: each.promise for each in INVARIANTS},
        "examinations": judgement.examinations,
        "counts": judgement.counts,
        "repeat": f"outrigger-loadtest check --host http://127.0.0.1:8123 --seed {seed}",
        "environment": environment_here(),
        **changes,
    }
    return CheckReport(**given)  # type: ignore[arg-type]  # by name, as the tests give them
