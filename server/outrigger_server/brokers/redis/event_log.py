"""The streams of runs in Redis: written by the worker's process, read by any other."""

import asyncio

from outrigger_server.brokers.base import RunEnd, Subscription
from outrigger_server.brokers.redis.channels import LISTENING, Channels
from outrigger_server.brokers.redis.names import READERS
from outrigger_server.brokers.redis.reader import Following, Reader
from outrigger_server.brokers.redis.waiters import EndWaiters
from outrigger_server.domain.event import EventId
from outrigger_server.domain.run import RunId


class RedisEventLog:
    """See `EventLog`.

    A stream keeps the newest `limit` events, a resumable one `keep_seconds` beyond its end.
    An event's id is `<milliseconds>-<number>`, and the numbers of a run count on without a
    hole over all its attempts: readers see from the ids alone whether something is missing.

    The stream is the truth; pub/sub only rings. A ring that is lost delays events until
    the connection is back and loses none.

    A run that is not resumable is written while somebody reads it: whether anybody does,
    Redis says with every batch (the listeners of the run's channel), and a new reader says
    it on a channel of its own. What is not known counts as wanted.

    While Redis is away events wait in the process, bounded. Those that do not fit, and
    those Redis loses by a restart, are counted (`lost`), logged, and told to every reader
    as a `Gap` where they are missing.

    The stream of a thread is written while it is watched: its readers say so again and again,
    and Redis remembers it for a while. Its numbers begin with the time and are never counted
    from nothing again, so whoever comes back too late finds a hole.
    """

    def __init__(self, channels: Channels, parts: Following, waiters: EndWaiters) -> None:
        self._parts = parts
        self._writer = parts.writer
        self._outbox = parts.writer.outbox
        self._waiters = waiters
        self._readers: set[Reader] = set()
        self._abandoned = False
        channels.listen(READERS, self._hear)

    def _hear(self, message: bytes) -> None:
        self._outbox.asked_for(None if message == LISTENING else RunId(message.decode()))

    def open(self, run_id: RunId, *, resumable: bool) -> None:
        """See `EventLog.open`."""
        self._outbox.open(run_id, kept=resumable)

    def wants(self, run_id: RunId) -> bool:
        """See `EventLog.wants`."""
        return self._outbox.wants(run_id)

    def publish(self, run_id: RunId, name: str, data: bytes) -> None:
        """See `EventLog.publish`."""
        self._outbox.publish(run_id, name, data)

    async def subscribe(self, run_id: RunId, after: EventId | None) -> Subscription:
        """See `EventLog.subscribe`. Redis may take a second; then the reader begins later."""
        reader = Reader(self._parts, run_id, after, self._readers.discard)
        self._readers.add(reader)
        try:
            await reader.begin()
        except BaseException:
            reader.close()
            raise
        if self._abandoned:
            reader.abandon()
        return reader

    def ended(self, run_id: RunId) -> asyncio.Future[RunEnd]:
        """See `EventLog.ended`."""
        return self._waiters.wait(run_id)

    def end(self, end: RunEnd) -> None:
        """See `EventLog.end`."""
        self._outbox.end(end)

    def forget(self, run_id: RunId) -> None:
        """See `EventLog.forget`. Nothing to do: streams go by themselves."""

    async def flushed(self, patience: float) -> None:
        """Return when everything published is in Redis, or after `patience` seconds."""
        await self._writer.flushed(None, patience)

    def abandon(self) -> None:
        """See `EventLog.abandon`."""
        self._abandoned = True
        self._waiters.abandon()
        for reader in tuple(self._readers):
            reader.abandon()
