"""One reader of a run's stream: fetches what is new whenever its run rings."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from outrigger_server.brokers.base import RunEnd
from outrigger_server.brokers.redis.channels import LISTENING, Channels
from outrigger_server.brokers.redis.commands import Command, Commands
from outrigger_server.brokers.redis.names import (
    READERS,
    events_key,
    news_channel,
    state_key,
    watched_key,
)
from outrigger_server.brokers.redis.place import PAGE, Place, read_page
from outrigger_server.brokers.redis.script import WATCH
from outrigger_server.brokers.redis.writer import Writer
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.event import Event, EventId, Gap, is_lasting
from outrigger_server.domain.run import RunId

PATIENCE_SECONDS = 1.0
"""How long a new reader, or one that is let go, waits for Redis."""

RETRY_SECONDS = 0.5

UNREAD_MILLISECONDS = 3_600_000
"""The numbers of a thread's events outlive what counts as watched: holes stay holes."""


@dataclass(frozen=True, slots=True)
class Following:
    """What readers need."""

    channels: Channels
    commands: Commands
    writer: Writer
    clock: Clock
    watched_seconds: float
    """How long the stream of a thread is kept after its last reader."""


class Reader:
    """See `Subscription`. It holds one page at most: who is slow falls behind in Redis.

    While Redis is away the reader waits; then it goes on behind its last event.
    """

    def __init__(
        self,
        parts: Following,
        run_id: RunId,
        after: EventId | None,
        left: Callable[["Reader"], None],
    ) -> None:
        self._parts = parts
        self._run_id = run_id
        self._left = left
        self._place = Place(after, lasting=is_lasting(run_id))
        self._news = asyncio.Event()
        self._away = False
        self._closed = False
        self._finishing = False
        self.end: RunEnd | None = None
        self.dropped = False
        self.abandoned = False

    async def begin(self) -> None:
        """Find the place to begin at; when Redis is away that is done later, behind a gap."""
        channel = news_channel(self._run_id)
        self._parts.channels.listen(channel, self._hear)
        if not await self._parts.channels.heard(channel, PATIENCE_SECONDS):
            self._place.miss()
            return
        await self._parts.writer.flushed(self._run_id, PATIENCE_SECONDS)
        asked = self._parts.commands.ask(self._state(), self._i_read())
        if await _within(PATIENCE_SECONDS, asked) and asked.exception() is None:
            page = read_page(self._run_id, asked.result()[0])
            self._place.begin(page)
            self.end = page.end
        else:
            self._place.miss()

    def _hear(self, message: bytes) -> None:
        if message == LISTENING:
            self._parts.commands.tell(self._i_read())
        self._news.set()

    def _i_read(self) -> Command:
        return ("PUBLISH", READERS, self._run_id)

    def _state(self) -> Command:
        state = state_key(self._run_id)
        if not is_lasting(self._run_id):
            return ("HMGET", state, "ms", "n", "kept", "end", "body")
        keys = (state, events_key(self._run_id), watched_key(self._run_id))
        now = self._parts.clock.now() // 1000
        watched = round(1000 * self._parts.watched_seconds)
        return ("EVAL", WATCH, 3, *keys, now, watched, watched + UNREAD_MILLISECONDS)

    def finish(self) -> None:
        """See `Subscription.finish`."""
        self._finishing = True
        self._news.set()

    def abandon(self) -> None:
        """Let the reader go once it has read what there is."""
        self.abandoned = True
        self._news.set()

    async def events(self, heartbeat: float) -> AsyncIterator[Event | Gap | None]:
        """See `Subscription.events`."""
        last_look = False
        while not self._closed:
            self._news.clear()
            if self.abandoned:
                await self._parts.writer.flushed(self._run_id, PATIENCE_SECONDS)
            last_look = last_look or self.abandoned
            asked = self._ask()
            while not await _within(min(heartbeat, PATIENCE_SECONDS), asked) and not last_look:
                yield None
            for item in self._taken(asked, last_look=last_look):
                yield item
            if self._place.behind and not self._away:
                continue
            if last_look or self._over():
                return
            if self._finishing:
                last_look = await self._nothing_comes()
            elif not await self._rung(heartbeat):
                yield None

    def _over(self) -> bool:
        return self._closed or self.end is not None

    async def _nothing_comes(self) -> bool:
        """Wait for an end that may be on its way; True when it is time for the last look."""
        if self._place.begun:
            await self._rung(PATIENCE_SECONDS)
        return True

    def _ask(self) -> asyncio.Future[list[Any]]:
        at = self._place.at
        if at is None:
            return self._parts.commands.ask(self._state())
        behind = f"{at.milliseconds}-{at.number + 1}" if at.number else "-"
        # The state first: when it says that the run has ended, every event is there.
        read: Command = ("XRANGE", events_key(self._run_id), behind, "+", "COUNT", PAGE)
        return self._parts.commands.ask(self._state(), read)

    def _taken(self, asked: asyncio.Future[list[Any]], *, last_look: bool) -> Iterator[Event | Gap]:
        self._away = not asked.done() or asked.exception() is not None
        if self._away:
            if last_look or self._over():  # the end may be known though the events are not
                yield Gap()
            return
        page = read_page(self._run_id, *asked.result())
        yield from self._place.take(page)
        if self._place.too_slow:
            self.dropped, self.end = True, None
            self.close()
        elif not self._place.behind:
            self.end = page.end

    async def _rung(self, heartbeat: float) -> bool:
        try:
            async with asyncio.timeout(min(heartbeat, RETRY_SECONDS) if self._away else heartbeat):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """See `Subscription.close`."""
        self._closed = True
        self._parts.channels.leave(news_channel(self._run_id), self._hear)
        self._left(self)
        self._news.set()


async def _within(seconds: float, asked: asyncio.Future[list[Any]]) -> bool:
    await asyncio.wait({asked}, timeout=seconds)
    return asked.done()
