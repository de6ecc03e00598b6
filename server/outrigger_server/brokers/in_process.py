"""The broker of one process: plain objects on the server's event loop."""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial

from outrigger_server.brokers.base import STOPPING, RunEnd, Subscription
from outrigger_server.domain.clock import MICROSECONDS, Clock
from outrigger_server.domain.event import FIRST_EVENT_ID, Event, EventId, Gap, is_lasting
from outrigger_server.domain.run import CancelAction, RunId
from outrigger_server.errors import Unavailable

BYTES_LIMIT = 64 * 1024 * 1024
"""What one run's kept events, or one reader's waiting ones, may take."""

MOST_COUNTED = 100_000
"""Counters kept; with more of them the oldest begins anew."""

EARLY_SIGNALS = 1000
"""Signals kept for runs whose attempt does not listen yet; the row is the safety net."""


class InProcessWakeups:
    """See `Wakeups`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """See `Wakeups.notify`."""
        self._event.set()

    def notify_here(self) -> None:
        """See `Wakeups.notify_here`."""
        self._event.set()

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109  a bound, not a failure
        """See `Wakeups.wait`."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()


class InProcessCounters:
    """See `Counters`. Forgets as it counts, so that no look through all of them is needed."""

    def __init__(self, clock: Clock, most: int = MOST_COUNTED) -> None:
        self._clock = clock
        self._most = most
        self._counts: dict[str, int] = {}
        self._ends: dict[int, deque[tuple[int, str]]] = {}

    async def count(self, key: str, amount: int, seconds: int) -> int:
        """See `Counters.count`."""
        found = self._counts.get(key)
        if found is None:
            now = self._clock.now()
            self._forget(now)
            ends = self._ends.setdefault(seconds, deque())
            ends.append((now + seconds * MICROSECONDS, key))
            found = 0
        self._counts[key] = found + amount
        return found + amount

    def _forget(self, now: int) -> None:
        for ends in self._ends.values():  # for each length of time: they end in their order
            while ends and (ends[0][0] <= now or len(self._counts) >= self._most):
                del self._counts[ends.popleft()[1]]


class InProcessCancelSignals:
    """See `CancelSignals`. A signal that comes before its listener is kept for it."""

    def __init__(self) -> None:
        self._listeners: dict[RunId, Callable[[CancelAction], None]] = {}
        self._early: OrderedDict[RunId, CancelAction] = OrderedDict()

    def send(self, run_id: RunId, action: CancelAction) -> None:
        """See `CancelSignals.send`."""
        tell = self._listeners.get(run_id)
        if tell is not None:
            tell(action)
            return
        self._early[run_id] = action.or_stronger(self._early.get(run_id))
        if len(self._early) > EARLY_SIGNALS:
            self._early.popitem(last=False)

    def listen(self, run_id: RunId, tell: Callable[[CancelAction], None]) -> None:
        """See `CancelSignals.listen`."""
        self._listeners[run_id] = tell
        early = self._early.pop(run_id, None)
        if early is not None:
            tell(early)

    def forget(self, run_id: RunId) -> None:
        """See `CancelSignals.forget`."""
        self._listeners.pop(run_id, None)


class _Reader:
    """A reader with its place in the stream; bounded, so a slow one loses its place."""

    def __init__(self, stream: "_Stream", limit: int, left: Callable[[], object]) -> None:
        self._stream = stream
        self._limit = limit
        self._left = left
        self._waiting: deque[Event] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._closed = False
        self.dropped = False
        self.gap = False

    @property
    def end(self) -> RunEnd | None:
        return None if self.dropped else self._stream.end

    @property
    def abandoned(self) -> bool:
        return self._stream.abandoned

    def offer(self, event: Event) -> None:
        self._bytes += len(event.data)
        if len(self._waiting) >= self._limit or self._bytes > BYTES_LIMIT:
            self.dropped = True
            self._waiting.clear()
            self.close()
        elif not self._closed:
            self._waiting.append(event)
        self._news.set()

    def notice(self) -> None:
        self._news.set()

    async def events(self, heartbeat: float) -> AsyncIterator[Event | Gap | None]:
        if self.gap and not self._closed:
            self.gap = False
            yield Gap()
        while True:
            while self._waiting:
                event = self._waiting.popleft()
                self._bytes -= len(event.data)
                yield event
            if self._closed or self._stream.end is not None or self._stream.abandoned:
                return
            self._news.clear()
            try:
                async with asyncio.timeout(heartbeat):
                    await self._news.wait()
            except TimeoutError:
                yield None

    def finish(self) -> None:
        self.close()

    def close(self) -> None:
        self._closed = True
        if self in self._stream.readers:
            self._stream.readers.discard(self)
            self._left()
        self._news.set()


@dataclass(eq=False, slots=True)
class _Stream:
    resumable: bool = False
    begun: EventId = FIRST_EVENT_ID
    """What a lasting stream carried before that is not known here."""
    last_id: EventId = FIRST_EVENT_ID
    kept: deque[Event] = field(default_factory=deque)
    kept_bytes: int = 0
    forgotten: EventId | None = None
    readers: set[_Reader] = field(default_factory=set)
    waiters: set[asyncio.Future[RunEnd]] = field(default_factory=set)
    end: RunEnd | None = None
    abandoned: bool = False
    emptied: int = 0
    """How often the last reader left."""

    @property
    def idle(self) -> bool:
        return not self.readers and all(waiter.done() for waiter in self.waiters)


class InProcessEventLog:
    """See `EventLog`. Keeps `limit` events of a resumable run, `keep_seconds` beyond its end."""

    def __init__(self, clock: Clock, *, limit: int, keep_seconds: float) -> None:
        self._clock = clock
        self._limit = limit
        self._keep_seconds = keep_seconds
        self._loop = asyncio.get_running_loop()
        self._streams: dict[RunId, _Stream] = {}
        self._inbox: deque[tuple[RunId, str, bytes]] = deque()
        self._lock = threading.Lock()
        self._scheduled = False
        self._abandoned = False

    def open(self, run_id: RunId, *, resumable: bool) -> None:
        """See `EventLog.open`."""
        stream = self._stream(run_id)
        stream.resumable = stream.resumable or resumable

    def _stream(self, run_id: RunId) -> _Stream:
        stream = self._streams.get(run_id)
        if stream is None:
            stream = self._streams[run_id] = _Stream(abandoned=self._abandoned)
            if is_lasting(run_id):
                stream.resumable = True
                stream.begun = stream.last_id = EventId(self._clock.now() // 1000, 0)
        return stream

    def _forget_later(self, run_id: RunId, stream: _Stream) -> None:
        """Keep a lasting stream for a while after its last reader, in case one comes back."""
        if is_lasting(run_id) and not stream.readers and stream.end is None:
            stream.emptied += 1
            self._loop.call_later(
                self._keep_seconds, self._forget_empty, run_id, stream, stream.emptied
            )

    def _forget_empty(self, run_id: RunId, stream: _Stream, emptied: int) -> None:
        if not stream.readers and stream.emptied == emptied:
            self._drop(run_id, stream)

    def _drop(self, run_id: RunId, stream: _Stream) -> None:
        if self._streams.get(run_id) is stream:
            del self._streams[run_id]

    def wants(self, run_id: RunId) -> bool:
        """See `EventLog.wants`."""
        stream = self._streams.get(run_id)
        return stream is not None and bool(stream.resumable or stream.readers)

    def publish(self, run_id: RunId, name: str, data: bytes) -> None:
        """See `EventLog.publish`."""
        with self._lock:
            self._inbox.append((run_id, name, data))
            if self._scheduled:
                return
            self._scheduled = True
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:  # the server's loop is gone; so are the readers
            return

    def _deliver(self) -> None:
        with self._lock:
            news, self._inbox = self._inbox, deque()
            self._scheduled = False
        milliseconds = self._clock.now() // 1000
        for run_id, name, data in news:
            stream = self._streams.get(run_id)
            if stream is None or stream.end is not None:
                continue
            stream.last_id = stream.last_id.successor(milliseconds)
            event = Event(stream.last_id, name, data)
            if stream.resumable:
                self._keep(stream, event)
            for reader in tuple(stream.readers):
                reader.offer(event)

    def _keep(self, stream: _Stream, event: Event) -> None:
        stream.kept.append(event)
        stream.kept_bytes += len(event.data)
        while len(stream.kept) > self._limit or stream.kept_bytes > BYTES_LIMIT:
            oldest = stream.kept.popleft()
            stream.kept_bytes -= len(oldest.data)
            stream.forgotten = oldest.id

    async def subscribe(self, run_id: RunId, after: EventId | None) -> Subscription:
        """See `EventLog.subscribe`."""
        self._deliver()
        stream = self._stream(run_id)
        reader = _Reader(stream, self._limit + 1, partial(self._forget_later, run_id, stream))
        if after is not None:
            reader.gap = stream.forgotten is not None and after < stream.forgotten
            reader.gap |= FIRST_EVENT_ID < after < stream.begun
            for event in stream.kept:
                if event.id > after:
                    reader.offer(event)
        if stream.end is None:
            stream.readers.add(reader)
        return reader

    def ended(self, run_id: RunId) -> asyncio.Future[RunEnd]:
        """See `EventLog.ended`."""
        stream = self._stream(run_id)
        waiter: asyncio.Future[RunEnd] = self._loop.create_future()
        if stream.end is not None:
            waiter.set_result(stream.end)
        elif stream.abandoned:
            waiter.set_exception(Unavailable(STOPPING))
        else:
            stream.waiters.add(waiter)
            waiter.add_done_callback(stream.waiters.discard)
        return waiter

    def end(self, end: RunEnd) -> None:
        """See `EventLog.end`."""
        self._deliver()
        stream = self._streams.get(end.run_id)
        if stream is None or stream.end is not None:
            return
        stream.end = end
        for waiter in tuple(stream.waiters):
            if not waiter.done():
                waiter.set_result(end)
        for reader in tuple(stream.readers):
            reader.notice()
        stream.readers.clear()
        if stream.resumable and not is_lasting(end.run_id):
            self._loop.call_later(self._keep_seconds, self._drop, end.run_id, stream)
        else:
            del self._streams[end.run_id]

    def forget(self, run_id: RunId) -> None:
        """See `EventLog.forget`."""
        stream = self._streams.get(run_id)
        if stream is not None and stream.idle and not stream.resumable:
            del self._streams[run_id]

    def abandon(self) -> None:
        """See `EventLog.abandon`."""
        self._deliver()
        self._abandoned = True
        for stream in self._streams.values():
            stream.abandoned = True
            for waiter in tuple(stream.waiters):
                if not waiter.done():
                    waiter.set_exception(Unavailable(STOPPING))
            for reader in tuple(stream.readers):
                reader.notice()
