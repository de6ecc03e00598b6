"""One run as its client saw it: when it was possibly and when definitely in flight, what it left.

Between what a client knows and what the server did lies the network, so a run has two intervals:

    possibly    from the moment its create was sent to the first answer that showed it ended
    definitely  from the moment its create was answered to the sending of the last question whose
                answer showed it in flight

What happened outside the first did not meet the run; what happened inside the second did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from outrigger_loadtests.history.operations import (
    GONE,
    IN_FLIGHT,
    INTERRUPTED,
    SUCCESS,
    Cancelled,
    Created,
    Deleted,
    Joined,
    Outcome,
    Strategy,
    Streamed,
)
from outrigger_loadtests.marks import LAST, STEPS, UNASKED, answer_mark, mark
from outrigger_loadtests.models.segment import Segment

FOREVER = 1 << 62
NANOSECONDS = 1_000_000_000
# A node's sleep may end a little early by its own clock, and clocks may run a little apart.
SLEEP_CERTAINTY = 0.9


class Observation(msgspec.Struct, frozen=True, gc=False):
    """One answer that showed the run's status; `gone` when it was not there."""

    invoked: int
    completed: int
    status: str

    @property
    def ended(self) -> bool:
        """Whether it shows a run that is not in flight any more."""
        return self.status not in IN_FLIGHT


@dataclass(slots=True)
class Run:
    """Everything a history holds about one run.

    Built by `models.reading`, which calls `complete` once all is there; not changed after. What it
    derives is stored, not asked for again: there may be a million of them.
    """

    run_id: str
    create: Created
    created_at: int  # microseconds of the server's clock; 0 when it did not say
    observations: list[Observation]
    status: str = ""  # at rest; empty when nobody could read it
    cancels: list[Cancelled] = field(default_factory=list)
    deletes: list[Deleted] = field(default_factory=list)
    streams: list[Streamed] = field(default_factory=list)
    joins: list[Joined] = field(default_factory=list)
    steps: tuple[str, ...] = ()  # of its own marks in the final log, in order
    segment: Segment | None = None

    token: str = field(init=False)
    strategy: Strategy = field(init=False)
    accepted: bool = field(init=False)  # the client was told that the run exists
    answers: bool = field(init=False)  # it is an answer to another run's question
    succeeded: bool = False  # at rest, like the next two
    interrupted: bool = False
    gone: bool = False
    whole: bool = False  # every mark that a success leaves is in the final log
    first_end: Observation | None = None  # the earliest answer that showed it ended
    begin: int = 0
    end: int = FOREVER  # of `possibly`
    surely_from: int = FOREVER
    surely_to: int = -1

    def __post_init__(self) -> None:
        self.token = self.create.token
        self.strategy = self.create.strategy
        self.accepted = self.create.outcome is Outcome.OK
        self.answers = bool(self.create.answers)

    def complete(self) -> None:
        """Work out what follows from the rest; to be called once."""
        self.succeeded = self.status == SUCCESS
        self.interrupted = self.status == INTERRUPTED
        self.gone = self.status == GONE
        wanted = STEPS[:UNASKED] if self.create.asks else STEPS
        self.whole = bool(self.steps) if self.answers else self.steps[: len(wanted)] == wanted
        _set_intervals(self)

    @property
    def readers(self) -> list[Streamed | Joined]:
        """Everybody who read its stream or waited for it."""
        return [*self.streams, *self.joins]

    @property
    def expected_marks(self) -> list[str]:
        """The marks of its own that a success leaves; of an answer those it left, if it counted."""
        if self.answers:
            counted = answer_mark(self.create.answers, self.token)
            return [counted, mark(self.create.answers, LAST)] if self.steps else []
        steps = STEPS[:UNASKED] if self.create.asks else STEPS
        return [mark(self.token, step) for step in steps]

    @property
    def finished(self) -> bool:
        """Whether its last mark is in the final log."""
        return LAST in self.steps

    def surely_in_flight(self, start: int, stop: int) -> bool:
        """Whether it was in flight at every moment from `start` to `stop`."""
        return self.surely_from <= start and stop <= self.surely_to

    def possibly_in_flight(self, start: int, stop: int) -> bool:
        """Whether it may have been in flight at some moment from `start` to `stop`."""
        return self.begin <= stop and start <= self.end

    @property
    def own_steps(self) -> list[str]:
        """What it wrote itself: its marks in the final log without those of answers to it."""
        return [] if self.answers else self.own(self.steps)

    def own(self, steps: Sequence[str]) -> list[str]:
        """Return those of its marks' steps that it wrote itself, not an answer to it."""
        return list(steps[:UNASKED] if self.create.asks else steps)


def _set_intervals(run: Run) -> None:
    """Work out when the run was possibly and when it was definitely in flight."""
    run.begin = run.create.invoked
    ended = [each for each in run.observations if each.ended]
    run.first_end = min(ended, key=lambda each: each.completed, default=None)
    run.end = run.first_end.completed if run.first_end else FOREVER
    if not run.accepted or run.create.completed is None:
        return
    run.surely_from = run.create.completed
    seen = [each.invoked for each in run.observations if not each.ended]
    run.surely_to = max([*seen, _slept_until(run)], default=-1)


def _slept_until(run: Run) -> int:
    """Return until when its middle node must have kept a run in flight that did all its work."""
    if run.answers or not (run.succeeded and run.whole):
        return -1
    return run.begin + int(run.create.seconds * SLEEP_CERTAINTY * NANOSECONDS)
