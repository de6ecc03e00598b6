"""What conversations came to in one stage: from their operations to counts and latencies.

A pure function of what a client recorded; it knows neither a server nor the time of day. Only runs
count that were to be sent in the measured time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from outrigger_loadtests.history.operations import (
    Cancelled,
    Created,
    Ending,
    Frame,
    Opened,
    Operation,
    Outcome,
    Strategy,
    Streamed,
)
from outrigger_loadtests.marks import LAST, mark
from outrigger_loadtests.measures.buckets import Buckets
from outrigger_loadtests.measures.histograms import Latencies

OPEN = "open"
ACCEPT = "accept"
QUEUE_WAIT = "queue_wait"
FIRST_EVENT = "first_event"
TOTAL = "total"
CUT = "cut"
OPERATIONS = (OPEN, ACCEPT, QUEUE_WAIT, FIRST_EVENT, TOTAL, CUT)
CUTTING = frozenset({Strategy.INTERRUPT, Strategy.ROLLBACK})
_METADATA = "metadata"
_ERROR = "error"
_CONFLICT = 409
_NANOSECONDS = 1_000_000_000


@dataclass
class Counts:
    """How much there was.

    `requested` and `ended` are runs: asked for in the measured time, and
    ended in it. `flying_*` are runs that were sent and had not ended when it began and ended.
    `whole` runs came to their end uncut, `good` ones within all objectives as well. Nanoseconds
    that runs were at work: `worked`, and `wasted` by those that were cut.
    """

    requests: int = 0
    errors: int = 0
    creates: int = 0
    refused: int = 0
    requested: int = 0
    ended: int = 0
    flying_begin: int = 0
    flying_end: int = 0
    whole: int = 0
    good: int = 0
    worked: int = 0
    wasted: int = 0

    def add(self, other: "Counts") -> None:
        """Count everything that the other one counted."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass
class Window:
    """The measured time, in nanoseconds of the client's clock."""

    begin: int
    end: int

    def has(self, moment: int) -> bool:
        """Whether a moment is in it."""
        return self.begin <= moment < self.end


@dataclass
class Tally:
    """Adds up conversations. `objectives` are seconds by operation.

    `buckets` count the corrected latencies again, for those who watch.
    """

    window: Window
    objectives: Mapping[str, float]
    counts: Counts = field(default_factory=Counts)
    latencies: Latencies = field(default_factory=Latencies)
    buckets: Buckets = field(default_factory=Buckets)

    def take(self, operations: Iterable[Operation], label: str, now: int) -> None:
        """Count a conversation that has ended, or is given up at `now`."""
        told = _Told(operations)
        for opened in told.opened:
            self._take_opened(opened, label, now)
        for created in told.created:
            self._take_run(told, created, now)
        for cancelled in told.cancels:
            if self.window.has(cancelled.intended):
                self._request(failed=cancelled.outcome is Outcome.INFO)

    def _take_opened(self, opened: Opened, label: str, now: int) -> None:
        if not self.window.has(opened.intended):
            return
        failed = opened.outcome is not Outcome.OK
        self._request(failed=failed)
        self._record(OPEN, label, opened, now if failed else opened.completed or now)

    def _take_run(self, told: "_Told", created: Created, now: int) -> None:
        streamed = told.streams.get(created.token)
        accepted = created.outcome is Outcome.OK
        end = _end(created, streamed, now)
        self._count_flying(created, end)
        if not self.window.has(created.intended):
            return
        counts = self.counts
        counts.creates += 1
        counts.refused += created.code == _CONFLICT
        failed = not accepted and created.code != _CONFLICT
        cut = told.cut_of(created, end)
        broken = accepted and _is_broken(streamed, cut=cut is not None)
        self._request(failed=failed or broken)
        if created.code == _CONFLICT:
            return
        self._record(ACCEPT, created.strategy, created, now if failed else created.completed or now)
        first = next((each.at for each in _frames(streamed) if each.name != _METADATA), None)
        self._take_events(told, created, first, now if failed or broken else end)

    def _take_events(self, told: "_Told", created: Created, first: int | None, end: int) -> None:
        """Count a run's events; one of which nothing came has waited until its end."""
        begun = end if first is None else first
        answered = created.completed or end
        self._record(FIRST_EVENT, created.strategy, created, begun)
        self._record(TOTAL, created.strategy, created, end)
        wait = max(0, begun - answered)
        self._count(QUEUE_WAIT, created.strategy, wait, wait)
        cut = told.cut_of(created, end)
        whole = told.is_whole(created.token)
        self.counts.worked += end - begun
        if cut is not None and not whole:
            self.counts.wasted += end - begun
            self._count(CUT, cut[1], end - cut[0], end - cut[0])
        if whole:
            self.counts.whole += 1
            took = {FIRST_EVENT: begun, TOTAL: end, ACCEPT: answered, QUEUE_WAIT: 0}
            late = (
                each
                for each, seconds in self.objectives.items()
                if each in took and took[each] - created.intended > seconds * _NANOSECONDS
            )
            self.counts.good += not any(late)

    def _count_flying(self, created: Created, end: int) -> None:
        """Count a run where it was on its way, from the moment at which somebody wanted it."""
        window, counts = self.window, self.counts
        counts.requested += window.has(created.intended)
        counts.ended += window.has(end)
        counts.flying_begin += created.intended < window.begin <= end
        counts.flying_end += created.intended < window.end <= end

    def _request(self, *, failed: bool) -> None:
        self.counts.requests += 1
        self.counts.errors += failed

    def _record(self, operation: str, strategy: str, begun: Operation, end: int) -> None:
        corrected, uncorrected = end - begun.intended, end - begun.invoked
        self._count(operation, strategy, corrected, uncorrected)

    def _count(self, operation: str, strategy: str, corrected: int, uncorrected: int) -> None:
        self.latencies.record(operation, strategy, corrected, uncorrected)
        self.buckets.record(operation, strategy, corrected)


class _Told:
    """The operations of one conversation, by kind."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.opened: list[Opened] = []
        self.created: list[Created] = []
        self.cancels: list[Cancelled] = []
        self.streams: dict[str, Streamed] = {}
        for each in operations:
            if isinstance(each, Created):
                self.created.append(each)
            elif isinstance(each, Streamed):
                self.streams.setdefault(each.token, each)
            elif isinstance(each, Opened):
                self.opened.append(each)
            elif isinstance(each, Cancelled):
                self.cancels.append(each)
        self._cuts = [
            (each.completed, str(each.strategy))
            for each in self.created
            if each.completed and each.outcome is Outcome.OK and each.strategy in CUTTING
        ]
        self._stops = {
            each.run_id: each.completed
            for each in self.cancels
            if each.completed and each.outcome is Outcome.OK
        }

    def cut_of(self, created: Created, end: int) -> tuple[int, str] | None:
        """Return when a run was told to stop, if it was, and by which strategy."""
        since = created.completed or end
        found = [(at, by) for at, by in self._cuts if since < at <= end]
        if stopped := self._stops.get(created.run_id):
            found.append((stopped, str(created.strategy)))
        return min(found, default=None)

    def is_whole(self, token: str) -> bool:
        """Whether the last step of a run was seen."""
        wanted = mark(token, LAST)
        return any(wanted in each.marks for each in _frames(self.streams.get(token)))


def _end(created: Created, streamed: Streamed | None, now: int) -> int:
    """Return when a run was over for its user; `now` when it never was."""
    if created.outcome is not Outcome.OK:
        return created.completed or now
    return streamed.completed or now if streamed else now


def _frames(streamed: Streamed | None) -> Iterable[Frame]:
    return streamed.frames if streamed else ()


def _is_broken(streamed: Streamed | None, *, cut: bool) -> bool:
    """Whether a run's stream did not end as it should; that of a run that was cut may say so."""
    if streamed is None or streamed.ending is not Ending.CLOSED:
        return True
    return not cut and any(each.name == _ERROR for each in streamed.frames)
