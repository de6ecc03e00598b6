"""Events on their way to Redis: taken from any thread, bounded, in order for each run."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from outrigger_server.brokers.base import RunEnd
from outrigger_server.domain.run import RunId
from outrigger_telemetry.logging import get_logger

log = get_logger("outrigger.redis")

BUFFER_BYTES = 64 * 1024 * 1024
"""What may wait for Redis, over all runs; a run that wants more loses its oldest events."""

BUFFER_EVENTS = 10_000
"""The same for the events of one run, or as many as a stream keeps if that is more."""

KEPT_BYTES = 64 * 1024 * 1024
"""What one attempt's kept events may take in Redis."""

RUNS_KNOWN = 20_000
AT_ONCE = 500
AT_ONCE_BYTES = 4 * 1024 * 1024
PARCELS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that waits, and how many before it were dropped."""

    dropped: int
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent of one run at once."""

    run_id: RunId
    kept: bool
    limit: int
    floor: int
    events: tuple[Waiting, ...]
    dropped: int
    end: RunEnd | None
    asked: int
    size: int

    @property
    def count(self) -> int:
        """Events in it, dropped ones too."""
        return sum(each.dropped + 1 for each in self.events) + self.dropped


@dataclass(eq=False, slots=True)
class _Outgoing:
    """What is known of a run that this process publishes for."""

    run_id: RunId
    kept: bool = False
    read: bool = True
    """False when Redis said that nobody reads."""
    asked: int = 0
    """How often somebody said to begin to read: an older answer says nothing then."""
    events: deque[Waiting] = field(default_factory=deque)
    size: int = 0
    dropped: int = 0
    losing: bool = False
    """True when losses since the last success were logged already."""
    end: RunEnd | None = None
    number: int = 0
    sizes: deque[int] = field(default_factory=deque)
    sizes_sum: int = 0

    @property
    def waits(self) -> bool:
        return bool(self.events) or self.dropped > 0 or self.end is not None


class Outbox:
    """What waits to be written; `ring` is called, in any thread, when something begins to."""

    def __init__(self, limit: int, ring: Callable[[], None], lost: Callable[[int], None]) -> None:
        self._limit = limit
        self._room = max(limit, BUFFER_EVENTS)
        self._ring = ring
        self._lost = lost
        self._lock = threading.Lock()
        self._runs: OrderedDict[RunId, _Outgoing] = OrderedDict()
        self._ready: OrderedDict[RunId, _Outgoing] = OrderedDict()
        self._sending: dict[RunId, Parcel] = {}
        self._size = 0

    def open(self, run_id: RunId, *, kept: bool) -> None:
        """Take note of a run and whether its events are kept; who reads it is asked anew."""
        with self._lock:
            run = self._run(run_id)
            run.kept = run.kept or kept
            run.read = True
            run.asked += 1

    def wants(self, run_id: RunId) -> bool:
        """False when nobody reads the run now or later; True when that is not known."""
        run = self._runs.get(run_id)
        return run is None or run.kept or run.read

    def asked_for(self, run_id: RunId | None) -> None:
        """Somebody begins to read the run; None when it may be any run."""
        with self._lock:
            runs = self._runs.values() if run_id is None else (self._runs.get(run_id),)
            for run in runs:
                if run is not None:
                    run.asked += 1
                    run.read = True

    def publish(self, run_id: RunId, name: str, data: bytes) -> None:
        """Append an event; when too much waits, the run's oldest make room and leave a gap."""
        with self._lock:
            run = self._run(run_id)
            if run.end is not None:
                return
            dropped = self._make_room(run, len(data))
            if self._size + len(data) > BUFFER_BYTES:
                run.dropped += 1
                dropped += 1
            else:
                run.events.append(Waiting(run.dropped, name, data))
                run.dropped = 0
                self._grow(run, len(data))
            ring = self._get_ready(run)
            logged, run.losing = run.losing, run.losing or dropped > 0
        if dropped:
            self._lost(dropped)
        if dropped and not logged:
            log.warning("events_lost", run_id=run_id, reason="too_many_wait")
        if ring:
            self._ring()

    def end(self, end: RunEnd) -> None:
        """Append the end. Too large an end is dropped: who waits for it reads the database."""
        with self._lock:
            run = self._run(end.run_id)
            if run.end is not None:
                return
            fits = self._size + len(end.body) <= BUFFER_BYTES
            if fits:
                run.end = end
                self._grow(run, len(end.body))
            ring = self._get_ready(run)
        if not fits:
            log.warning("run_end_not_announced", run_id=end.run_id)
        if ring:
            self._ring()

    def _run(self, run_id: RunId) -> _Outgoing:
        run = self._runs.get(run_id)
        if run is None:
            run = self._runs[run_id] = _Outgoing(run_id)
            if len(self._runs) > RUNS_KNOWN:
                self._let_go_of_one()
        return run

    def _let_go_of_one(self) -> None:
        for run_id, run in self._runs.items():
            if not run.waits and run_id not in self._sending:
                del self._runs[run_id]
                return

    def _make_room(self, run: _Outgoing, size: int) -> int:
        dropped = 0
        while run.events and (len(run.events) >= self._room or self._size + size > BUFFER_BYTES):
            oldest = run.events.popleft()
            self._grow(run, -len(oldest.data))
            missing = oldest.dropped + 1
            if run.events:
                first = run.events[0]
                run.events[0] = Waiting(first.dropped + missing, first.name, first.data)
            else:
                run.dropped += missing
            dropped += 1
        return dropped

    def _grow(self, run: _Outgoing, size: int) -> None:
        run.size += size
        self._size += size

    def _get_ready(self, run: _Outgoing) -> bool:
        """True when the first run gets ready."""
        if not run.waits:
            return False
        first = not self._ready
        self._ready[run.run_id] = run
        return first

    def take(self) -> list[Parcel]:
        """What to send next; give each back with `settle`."""
        with self._lock:
            parcels = []
            size = 0
            for run_id in list(self._ready)[:PARCELS_AT_ONCE]:
                parcel = self._packed(self._ready[run_id])
                self._sending[run_id] = parcel
                parcels.append(parcel)
                if not self._ready[run_id].waits:
                    del self._ready[run_id]
                size += parcel.size
                if size > AT_ONCE_BYTES:
                    break
            return parcels

    def _packed(self, run: _Outgoing) -> Parcel:
        events: list[Waiting] = []
        size = 0
        while run.events and len(events) < AT_ONCE and size < AT_ONCE_BYTES:
            event = run.events.popleft()
            events.append(event)
            size += len(event.data)
            run.sizes.append(len(event.data))
        run.sizes_sum += size
        limit = self._limit
        while len(run.sizes) > self._limit or run.sizes_sum > KEPT_BYTES:
            run.sizes_sum -= run.sizes.popleft()
            limit = min(self._limit, max(len(run.sizes), 1))
        dropped, end = 0, None
        if not run.events:
            dropped, run.dropped = run.dropped, 0
            end, run.end = run.end, None
        size += len(end.body) if end is not None else 0
        return Parcel(
            run.run_id,
            run.kept,
            limit,
            run.number,
            tuple(events),
            dropped,
            end,
            run.asked,
            size,
        )

    def settle(self, parcel: Parcel, *, number: int, readers: int, ended: bool) -> None:
        """Take note that Redis has the parcel, and what it said."""
        with self._lock:
            self._sending.pop(parcel.run_id, None)
            run = self._runs.get(parcel.run_id)
            self._size -= parcel.size
            if run is None:
                return
            run.size -= parcel.size
            run.number = number
            run.losing = False
            if run.asked == parcel.asked:
                run.read = readers > 0
            if ended or parcel.end is not None:
                self._size -= run.size
                self._ready.pop(parcel.run_id, None)
                del self._runs[parcel.run_id]

    def refuse(self, parcel: Parcel) -> None:
        """Give up a parcel that Redis will not take; its events are lost."""
        with self._lock:
            self._sending.pop(parcel.run_id, None)
            run = self._run(parcel.run_id)
            self._grow(run, -parcel.size)
            if run.events:
                first = run.events[0]
                run.events[0] = Waiting(first.dropped + parcel.count, first.name, first.data)
            else:
                run.dropped += parcel.count
        log.warning("events_lost", run_id=parcel.run_id, events=parcel.count, reason="refused")
        self._lost(parcel.count)

    def holds(self, run_id: RunId | None) -> bool:
        """True while something of the run, or of any run, is not in Redis yet."""
        if run_id is None:
            return bool(self._ready or self._sending)
        return run_id in self._ready or run_id in self._sending
