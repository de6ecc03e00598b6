"""What a check is given: one thread, what may be expected, and where findings go."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from outrigger_loadtests.models.run import NANOSECONDS, Run
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.profiles import Bounds, ServerProfile
from outrigger_loadtests.verdict import Examination, Finding, Verdict


@dataclass(slots=True)
class Case:
    """One invariant on one thread."""

    invariant: str
    thread: Thread
    profile: ServerProfile
    examination: Examination = field(default_factory=Examination)

    @property
    def bounds(self) -> Bounds:
        """How long the server may take: longer where the client itself stood still."""
        return self.profile.bounds.extended(self.thread.stalled)

    def took_longer(self, start: int, stop: int, seconds: float) -> bool:
        """Whether more than so long passed, without the time in which faults disturbed."""
        disturbed = self.thread.disturbances.within(start, stop)
        return stop - start - disturbed > seconds * NANOSECONDS

    def examined(self, count: int = 1) -> None:
        """Count so many situations in which the promise could have been broken."""
        self.examination.examined += count

    def found(
        self,
        way: str,
        message: str,
        *runs: Run,
        checkpoints: Iterable[str] = (),
        between: tuple[int, int] | None = None,
        verdict: Verdict = Verdict.FAIL,
    ) -> None:
        """Write down that the promise was broken in this way, unless nobody promised it."""
        rule = f"{self.invariant}.{way}"
        if rule in self.profile.unpromised:
            return
        leniency = self.profile.leniency(rule, prompt=self.thread.prompt)
        if leniency is not None and verdict is Verdict.FAIL:
            verdict = Verdict.WARN
        self.examination.findings.append(
            Finding(
                rule,
                message,
                self.thread.name,
                tuple(run.run_id for run in runs),
                tuple(checkpoints),
                between,
                verdict,
                leniency.reason if leniency else "",
            )
        )


@dataclass(frozen=True)
class Invariant:
    """A promise and how it is checked. `name` as in the documents: `G1`, `R2`, `X1`."""

    name: str
    promise: str
    check: Callable[[Case], None]
