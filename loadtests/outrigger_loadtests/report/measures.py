"""What a history measured beside what it proved: how many, how fast, second by second.

All of it is counted in slots of time, so that what several processes counted can be added, and so
that a report can draw it. Slots are seconds until there are too many of them; then they are merged
two by two. Nothing here judges.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from outrigger_loadtests.history.operations import (
    AnyOperation,
    Created,
    Endpoint,
    Faulted,
    Joined,
    Outcome,
    Streamed,
)
from outrigger_loadtests.models.run import FOREVER, NANOSECONDS
from outrigger_loadtests.models.thread import CUTTING, Thread, returned
from outrigger_loadtests.report.times import Times, added, bucket_of

MOST_SLOTS = 600
FIRST_WIDTH = NANOSECONDS


class Measure(StrEnum):
    """A length of time that was measured, always from the sending or the answer of a create."""

    ACCEPT = "accept"
    FIRST_EVENT = "first event"
    TOTAL = "total"
    CUT = "cut"


MEANINGS = {
    Measure.ACCEPT: "from sending a message to the answer that it is accepted",
    Measure.FIRST_EVENT: "from sending it to the first event of its stream",
    Measure.TOTAL: "from sending it to the end of its stream, or of waiting for it",
    Measure.CUT: "from the answer to a newcomer to the first look that showed its victim ended",
}


@dataclass
class Slot:
    """What happened in one slot. `times` are by measure and strategy, with a space between.

    `sent` counts requests by outcome; `began` and `ended` are runs that came in flight and left.
    """

    sent: dict[str, int] = field(default_factory=dict)
    began: int = 0
    ended: int = 0
    times: dict[str, Times] = field(default_factory=dict)

    def add(self, other: "Slot") -> None:
        """Take over what is in another one."""
        for name, number in other.sent.items():
            self.sent[name] = self.sent.get(name, 0) + number
        self.began += other.began
        self.ended += other.ended
        for key, times in other.times.items():
            self.times[key] = added([self.times.get(key, {}), times])


@dataclass(frozen=True)
class Stretch:
    """A stretch of time that has a name, in nanoseconds of the client's clock."""

    name: str
    start: int
    stop: int


@dataclass
class Measures:
    """All slots by number: slot n begins at n times `width` nanoseconds of the client's clock.

    `faults` are what was done to the server, `stages` what the load did.
    """

    width: int = FIRST_WIDTH
    slots: dict[int, Slot] = field(default_factory=dict)
    faults: tuple[Stretch, ...] = ()
    stages: tuple[Stretch, ...] = ()

    def take(self, thread: Thread, operations: Iterable[AnyOperation]) -> None:
        """Count what happened on one thread."""
        for each in operations:
            sent = self._slot(each.invoked).sent
            sent[each.outcome] = sent.get(each.outcome, 0) + 1
        for run in thread.runs:
            self._slot(run.begin).began += 1
            if run.end != FOREVER:
                self._slot(run.end).ended += 1
        for measure, create, moment, nanoseconds in _measured(thread):
            key = f"{measure} {create.strategy}"
            times = self._slot(moment).times.setdefault(key, {})
            bucket = bucket_of(nanoseconds)
            times[bucket] = times.get(bucket, 0) + 1

    def take_faults(self, faults: Iterable[Faulted]) -> None:
        """Take what was done to the server; of no thread, so every share has all of it."""
        self.faults = tuple(Stretch(each.name, each.invoked, _end(each)) for each in faults)

    def add(self, other: "Measures") -> None:
        """Take over what another share of the same history measured."""
        while self.width < other.width:
            self._widen()
        while other.width < self.width:
            other._widen()  # noqa: SLF001  one of its own kind
        for number, slot in other.slots.items():
            self.slots.setdefault(number, Slot()).add(slot)
        self.faults = self.faults or other.faults
        self._bound()

    @property
    def keys(self) -> list[str]:
        """Every measure and strategy that was seen, in the order of the measures."""
        found = {key for slot in self.slots.values() for key in slot.times}
        order = [str(each) for each in Measure]
        return sorted(found, key=lambda key: (order.index(measure_of(key)), key))

    def times(self, *keys: str) -> Times:
        """Return the times of these keys in all slots together."""
        return added(slot.times.get(key, {}) for slot in self.slots.values() for key in keys)

    @property
    def first(self) -> int:
        """The number of the first slot."""
        return min(self.slots, default=0)

    @property
    def last(self) -> int:
        """The number of the last slot."""
        return max(self.slots, default=0)

    def _slot(self, moment: int) -> Slot:
        slot = self.slots.get(moment // self.width)
        if slot is not None:
            return slot
        self.slots[moment // self.width] = Slot()
        self._bound()
        return self.slots[moment // self.width]

    def _bound(self) -> None:
        while self.slots and self.last - self.first >= MOST_SLOTS:
            self._widen()

    def _widen(self) -> None:
        merged: dict[int, Slot] = {}
        for number, slot in self.slots.items():
            merged.setdefault(number // 2, Slot()).add(slot)
        self.slots, self.width = merged, 2 * self.width


def measure_of(key: str) -> str:
    """Return the measure of a key."""
    return key.rpartition(" ")[0]


def strategy_of(key: str) -> str:
    """Return the strategy of a key."""
    return key.rpartition(" ")[2]


def _measured(thread: Thread) -> Iterator[tuple[Measure, Created, int, int]]:
    """Yield the measure, the create, when it was taken, and how long it was."""
    for run in thread.runs:
        create = run.create
        if create.outcome is not Outcome.OK or create.completed is None:
            continue
        if create.endpoint is not Endpoint.WAIT:  # answered when the run has ended
            yield Measure.ACCEPT, create, create.completed, create.completed - create.invoked
        for stream in run.streams:
            yield from _of_stream(create, stream)
        for join in run.joins:
            yield from _of_wait(create, join)
    for strategy in CUTTING:
        for newcomer, victim in thread.victims(strategy):
            end = victim.first_end
            if end is None or newcomer.create.completed is None:
                continue
            took = max(0, end.completed - newcomer.create.completed)
            yield Measure.CUT, newcomer.create, end.completed, took


def _of_stream(create: Created, stream: Streamed) -> Iterator[tuple[Measure, Created, int, int]]:
    if stream.invoked != create.invoked or not stream.frames:
        return
    first = stream.frames[0].at
    yield Measure.FIRST_EVENT, create, first, first - create.invoked
    if stream.outcome is Outcome.OK and stream.completed is not None:
        yield Measure.TOTAL, create, stream.completed, stream.completed - create.invoked


def _of_wait(create: Created, join: Joined) -> Iterator[tuple[Measure, Created, int, int]]:
    waited = join.endpoint is Endpoint.WAIT and join.invoked == create.invoked
    if waited and join.outcome is Outcome.OK and join.completed is not None:
        yield Measure.TOTAL, create, join.completed, join.completed - create.invoked


def _end(fault: Faulted) -> int:
    end = returned(fault)
    return fault.invoked if end == FOREVER else end
