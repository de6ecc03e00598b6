"""What a check came to, as plain values: all that every form of the report is made of.

The check command fills it in once, also when it was stopped early; the renderers only read it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from outrigger_loadtests.history.operations import Strategy
from outrigger_loadtests.report.capacity_json import CapacityPart, CapacityVerdict
from outrigger_loadtests.verdict import Examination, Verdict, worst

MIXED = "mixed"
UNKNOWN_SERVER = "unknown"
EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.PASS: 0,
    Verdict.WARN: 0,
    Verdict.FAIL: 3,
    Verdict.UNKNOWN: 4,
}
EXIT_CODES_OF_CAPACITY: Mapping[CapacityVerdict, int] = {
    CapacityVerdict.PASS: 0,
    CapacityVerdict.SLO_MISS: 1,
    CapacityVerdict.FAIL: 3,
    CapacityVerdict.INCONCLUSIVE: 4,
}
_LABELS = (*(str(strategy) for strategy in Strategy), MIXED)

Parameter = str | int | float | bool | None


@dataclass(frozen=True)
class Target:
    """The server that was tested. `server` is the version its `/info` shows."""

    url: str
    server: str = UNKNOWN_SERVER
    profile: str = ""


@dataclass(frozen=True)
class Counts:
    """What became of the creates of one label.

    Each is counted once among `accepted`, `refused` and `unknown`. Of the accepted ones, at rest,
    each is counted at most once: `succeeded`; `interrupted` or `rolled_back` after it had started;
    `dropped`, interrupted or gone without ever having started.
    """

    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    succeeded: int = 0
    interrupted: int = 0
    dropped: int = 0
    rolled_back: int = 0


@dataclass(frozen=True)
class CheckReport:
    """The outcome of one check.

    `started_at` is ISO 8601, `duration` seconds. `promises` says in one line what each invariant
    promises, in the order in which they are shown. `examinations` are by invariant and label;
    what is not among them was not put to the test. `timelines` are by thread, for as many threads
    as are worth it (`findings.evidence`). `repeat` is the command that does the same again.
    `environment` says what it ran on, `grafana_url` where to look at the server at that time.
    """

    version: str
    started_at: str
    duration: float
    target: Target
    parameters: Mapping[str, Parameter]
    threads: int
    operations: int
    promises: Mapping[str, str]
    examinations: Mapping[tuple[str, str], Examination]
    repeat: str
    counts: Mapping[str, Counts] = field(default_factory=dict)
    timelines: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stopped_early: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    grafana_url: str = ""
    capacity: CapacityPart | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of all; UNKNOWN when nothing was put to the test."""
        return worst_of(self.examinations.values()) or Verdict.UNKNOWN

    @property
    def exit_code(self) -> int:
        """What the command exits with. How much a server holds says nothing when it is wrong."""
        if self.capacity is None or self.verdict is Verdict.FAIL:
            return EXIT_CODES[self.verdict]
        return EXIT_CODES_OF_CAPACITY[self.capacity.verdict]

    @property
    def invariants(self) -> tuple[str, ...]:
        """The names of all invariants, in the order of the promises."""
        examined = (invariant for invariant, _ in self.examinations)
        return tuple(dict.fromkeys([*self.promises, *examined]))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that were tested: strategies first, `mixed` after them."""
        found = {*self.counts, *(label for _, label in self.examinations)}
        known = [label for label in _LABELS if label in found]
        return (*known, *sorted(found.difference(known)))

    @property
    def parameters_hash(self) -> str:
        """Stands for all parameters: equal for equal ones, whatever their order."""
        plain = {name: _plain(value) for name, value in self.parameters.items()}
        written = json.dumps(plain, sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    def examination(self, invariant: str, label: str) -> Examination:
        """Return what an invariant came to with a label; an empty one if it was not looked at."""
        return self.examinations.get((invariant, label)) or Examination()

    def verdict_of_label(self, label: str) -> Verdict | None:
        """Return the worst of one label; None when nothing was put to the test."""
        return worst_of(self.examination(name, label) for name in self.invariants)

    def verdict_of_invariant(self, invariant: str) -> Verdict | None:
        """Return the worst of one invariant; None when it was not put to the test."""
        return worst_of(self.examination(invariant, label) for label in self.labels)


def worst_of(examinations: Iterable[Examination]) -> Verdict | None:
    """Return the worst verdict; None when there is none at all."""
    verdicts = [verdict for each in examinations if (verdict := each.verdict)]
    return worst(verdicts) if verdicts else None


def _plain(value: Parameter) -> Parameter:
    """Let 30 seconds be 30.0 seconds."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
