"""What a check comes to: findings, and a verdict in which the worst wins."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """PASS, or what stands against it. UNKNOWN is never a pass."""

    PASS = "PASS"  # noqa: S105  a verdict, not a password
    WARN = "WARN"
    UNKNOWN = "UNKNOWN"
    FAIL = "FAIL"


_BADNESS = (Verdict.PASS, Verdict.WARN, Verdict.UNKNOWN, Verdict.FAIL)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst one; PASS when there is none."""
    return max(verdicts, key=_BADNESS.index, default=Verdict.PASS)


@dataclass(frozen=True)
class Finding:
    """One broken promise on one thread, with as little evidence as shows it.

    `rule` is the invariant and, behind a dot, which way it was broken (`B2.checkpoint_left`).
    `runs` are run ids, `checkpoints` checkpoint ids, `between` client times in nanoseconds.
    `verdict` is FAIL unless a server profile forgives the rule; `reason` then says why.
    """

    rule: str
    message: str
    thread: str
    runs: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    between: tuple[int, int] | None = None
    verdict: Verdict = Verdict.FAIL
    reason: str = ""

    @property
    def invariant(self) -> str:
        """The invariant's name: `B2`."""
        return self.rule.partition(".")[0]


@dataclass(slots=True)
class Examination:
    """What one invariant came to on one or many threads.

    `examined` counts how often the promise could have been broken; 0 means it was not put to the
    test, which is not a pass. `crash` holds the error of a check that broke down.
    """

    examined: int = 0
    findings: list[Finding] = field(default_factory=list)
    crash: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """The worst of it; None when nothing was examined."""
        if self.crash:
            return worst([Verdict.UNKNOWN, *(each.verdict for each in self.findings)])
        if self.findings:
            return worst(each.verdict for each in self.findings)
        return Verdict.PASS if self.examined else None

    def add(self, other: "Examination") -> None:
        """Take over what another examination of the same invariant came to."""
        self.examined += other.examined
        self.findings += other.findings
        self.crash = self.crash or other.crash
