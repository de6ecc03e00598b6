"""From a history on disk to examinations, counts and the evidence of what was found."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from outrigger_loadtests.checkers.case import Invariant
from outrigger_loadtests.checkers.judge import judge
from outrigger_loadtests.faults.kinds import Excuse
from outrigger_loadtests.history.file import (
    WHOLE,
    Share,
    threads_of,
)
from outrigger_loadtests.history.operations import AnyOperation, Faulted, Opened, Stalled
from outrigger_loadtests.models.disturbances import Disturbances
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.models.run import NANOSECONDS, Run
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.profiles import ServerProfile
from outrigger_loadtests.report.measures import Measures
from outrigger_loadtests.report.outcome import Counts
from outrigger_loadtests.verdict import Examination, Finding, Verdict


@dataclass
class Judgement:
    """What a history came to. `unopened` threads could not be created at all.

    `stalled` is how many seconds the client itself stood still, `faults` how many there were of
    each name, `excused` the threads that could not be created because of them. `shown` is a thread
    of each label, `given_up` the label of each thread that was left out.
    """

    threads: int = 0
    operations: int = 0
    unopened: int = 0
    stalled: float = 0.0
    excused: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    examinations: dict[tuple[str, str], Examination] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)
    measures: Measures = field(default_factory=Measures)

    def crashed(
        self, operations: Sequence[AnyOperation], invariants: Iterable[Invariant], error: Exception
    ) -> None:
        """Take a thread that cannot be read: nothing is known of any promise there."""
        self.threads += 1
        label = next((each.label for each in operations if isinstance(each, Opened)), "")
        crash = f"{operations[0].thread}: {type(error).__name__}: {error}"
        for invariant in invariants:
            self.take(invariant.name, label, Examination(crash=crash))

    def leave(self, operations: Sequence[AnyOperation], disturbances: Disturbances) -> None:
        """Take a thread that could not be created: nothing is known, which is not a pass.

        Unless a fault explains it: then it is left out.
        """
        for opened in (each for each in operations if isinstance(each, Opened)):
            stop = opened.completed or opened.invoked
            if disturbances.excuse(Excuse.NOT_OPENED, opened.invoked, stop):
                self.excused += 1
                continue
            self.unopened += 1
            message = f"the thread could not be created: {opened.error or opened.code}"
            self._doubt("G2.unopened", message, opened.thread, opened.label)

    def doubt_the_untested(self) -> None:
        """Let a label be unknown of which no run was ever accepted: it was not put to the test."""
        for label, counts in self.counts.items():
            sent = counts.refused + counts.unknown
            if sent and not counts.accepted:
                message = f"none of {sent} runs was accepted, so nothing was put to the test"
                self._doubt("G2.untested", message, self.shown[label], label)

    def doubt_the_given_up(self) -> None:
        """Let threads be unknown that were left out, since they never came to their end."""
        for thread, label in self.given_up.items():
            message = "it did not come to its end in time and was given up"
            self._doubt("G2.given_up", message, thread, label)

    def doubt_the_faults(self, reason: str) -> None:
        """Let the outcome be unknown, since nobody can read what was done to the server."""
        label = next(iter(self.counts), "")
        self.take("G2", label, Examination(crash=reason))

    def _doubt(self, rule: str, message: str, thread: str, label: str) -> None:
        finding = Finding(rule, message, thread, verdict=Verdict.UNKNOWN)
        self.take(finding.invariant, label, Examination(findings=[finding]))

    def take(self, invariant: str, label: str, examination: Examination) -> None:
        """Take over what an invariant came to with a label; the examination is ours from now on."""
        known = self.examinations.get((invariant, label))
        if known is None:
            self.examinations[invariant, label] = examination
        else:
            known.add(examination)

    def add(self, other: "Judgement") -> None:
        """Take over what another share of the same history came to."""
        self.threads += other.threads
        self.operations += other.operations
        self.unopened += other.unopened
        self.excused += other.excused
        for (name, label), examination in other.examinations.items():
            self.take(name, label, examination)
        for label, counts in other.counts.items():
            self.counts[label] = _sum(self.counts.get(label, Counts()), counts)
        self.shown = other.shown | self.shown
        self.given_up |= other.given_up
        self.measures.add(other.measures)

    def findings(self) -> Iterator[Finding]:
        """Yield everything that was found."""
        for examination in self.examinations.values():
            yield from examination.findings


def judge_history(
    path: Path,
    profile: ServerProfile,
    invariants: Sequence[Invariant],
    left_out: Collection[str] = (),
    share: Share = WHOLE,
) -> Judgement:
    """Judge a share of a history thread by thread, without the threads that are `left_out`.

    Raises:
        UnreadableHistory: It is no history.
        OSError: It cannot be read.
    """
    judgement = Judgement()
    general: list[AnyOperation] = []
    disturbances = Disturbances(())
    for operations in threads_of(path, share):
        if operations[0].thread in left_out:
            opened = (each for each in operations if isinstance(each, Opened))
            judgement.given_up |= {each.thread: each.label for each in opened}
            continue
        judgement.operations += len(operations)
        if not operations[0].thread:
            general = operations
            stalls = [each for each in general if isinstance(each, Stalled)]
            still = sum((each.completed or each.invoked) - each.invoked for each in stalls)
            judgement.stalled = still / NANOSECONDS
            faults = [each for each in general if isinstance(each, Faulted)]
            judgement.faults = dict(Counter(each.name for each in faults))
            disturbances = Disturbances(faults)
            judgement.measures.take_faults(faults)
            continue
        try:
            thread = read_thread(operations, general)
        except Exception as error:  # noqa: BLE001  one thread must not take the others along
            judgement.crashed(operations, invariants, error)
            continue
        if thread is None:
            judgement.leave(operations, disturbances)
            continue
        judgement.threads += 1
        judgement.measures.take(thread, operations)
        label = thread.opened.label
        judgement.shown.setdefault(label, thread.name)
        for name, examination in judge(thread, profile, invariants).items():
            judgement.take(name, label, examination)
        known = judgement.counts.get(label, Counts())
        judgement.counts[label] = _sum(known, counts_of(thread))
    return judgement


def counts_of(thread: Thread) -> Counts:
    """Return what became of everything that was sent to one thread."""
    accepted = [run for run in thread.runs if run.accepted]
    ended = [run for run in accepted if run.interrupted or run.gone]
    started = [run for run in ended if _started(run)]
    return Counts(
        accepted=len(accepted),
        refused=len(thread.refused),
        unknown=len(thread.unresolved) + len(thread.runs) - len(accepted),
        succeeded=sum(run.succeeded for run in accepted),
        interrupted=sum(run.interrupted for run in started),
        rolled_back=sum(run.gone for run in started),
        dropped=len(ended) - len(started),
    )


def _started(run: Run) -> bool:
    """Whether anybody saw the run at work."""
    seen = any(each.status == "running" for each in run.observations)
    return seen or run.segment is not None or any(stream.frames for stream in run.streams)


def _sum(one: Counts, other: Counts) -> Counts:
    names = [each.name for each in fields(Counts)]
    return Counts(**{name: getattr(one, name) + getattr(other, name) for name in names})
