"""Watching runs: their streams, and waiting for their end."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from outrigger_server.brokers.base import EventLog, RunEnd, Subscription
from outrigger_server.domain.event import Event, EventId, Gap
from outrigger_server.domain.run import Run, RunId, ThreadId
from outrigger_server.domain.thread import Thread
from outrigger_server.errors import NotFound, Unavailable
from outrigger_server.runs.ends import GONE, NOT_FOUND, ended_earlier
from outrigger_server.stores.base import Database
from outrigger_server.stores.run_rows import get_run
from outrigger_server.stores.threads import get_thread

POLL_SECONDS = 5.0
"""The safety net under lost messages."""

STREAM_POLL_SECONDS = 15.0
"""The same for a stream that says nothing; one that goes on needs none."""


@dataclass(frozen=True, slots=True)
class RunWatcher:
    """Follows runs to their end."""

    database: Database
    events: EventLog
    poll_seconds: float = POLL_SECONDS

    async def ended(
        self,
        thread_id: ThreadId,
        run_id: RunId,
        heard: asyncio.Future[RunEnd] | None = None,
        *,
        question_only: bool = False,
    ) -> RunEnd:
        """Wait until the run has ended; a run that is not there has ended with an error.

        `question_only`: see `ended_earlier`; of a run that ends meanwhile, all is told.
        `heard` is what `EventLog.ended` gave before the run was made, if anybody asked
        then. A lost message costs a few seconds: the row is read again meanwhile.

        Raises:
            Unavailable: The server stops, or the database cannot be read at first.
        """
        waiting = heard if heard is not None else self.events.ended(run_id)
        try:
            found = None
            if heard is None:
                found = await self._read_end(thread_id, run_id, question_only=question_only)
            while found is None and not waiting.done():
                await asyncio.wait({waiting}, timeout=self.poll_seconds)
                if not waiting.done():
                    with suppress(Unavailable):  # the end may be heard, or read the next time
                        found = await self._read_end(thread_id, run_id)
            return waiting.result() if waiting.done() or found is None else found
        finally:
            waiting.cancel()
            self.events.forget(run_id)

    async def _read_end(
        self, thread_id: ThreadId, run_id: RunId, *, question_only: bool = False
    ) -> RunEnd | None:
        look = partial(_run_and_thread, thread_id=thread_id, run_id=run_id)
        try:
            run, thread = await self.database.read(look)
        except NotFound:
            return RunEnd(run_id, NOT_FOUND, GONE)
        if not run.status.is_terminal:
            return None
        return ended_earlier(run, thread, question_only=question_only)

    async def follow(
        self, thread_id: ThreadId, run_id: RunId, after: EventId | None
    ) -> tuple[Run, Subscription]:
        """Read the run's stream from now on, or from behind `after` on.

        The stream of a run that has ended gives what it still keeps, then ends; one that was
        to keep everything says when that is not all.

        Raises:
            NotFound: The thread has no such run.
        """
        subscription = await self.events.subscribe(run_id, after)
        try:
            run = await self.database.read(partial(get_run, thread_id=thread_id, run_id=run_id))
            replays = after is not None and run.kwargs.get("resumable") and run.attempt > 0
            ended = run.status.is_terminal and subscription.end is None
            found = await self._read_end(thread_id, run_id) if ended and replays else None
        except BaseException:
            subscription.close()
            self.events.forget(run_id)
            raise
        if ended:
            subscription.finish()
            self.events.forget(run_id)
            return run, self.watched(run, subscription, found) if found else subscription
        return run, self.watched(run, subscription)

    def watched(
        self, run: Run, subscription: Subscription, found: RunEnd | None = None
    ) -> Subscription:
        """The same stream, which ends though the message of the run's end was lost.

        `found` is the end of a run that the database knows to have ended.
        """
        look = partial(self._read_end, run.thread_id, run.run_id)
        return WatchedStream(subscription, look, found)


class WatchedStream:
    """See `Subscription`. Looks for the run's end in the database while nothing comes.

    Where events were lost, the message of the end may be among them, and it looks at once. An
    end whose message never came stands behind a `Gap`: nobody knows what else did not come.
    """

    def __init__(
        self,
        stream: Subscription,
        look: Callable[[], Awaitable[RunEnd | None]],
        found: RunEnd | None = None,
    ) -> None:
        self._stream = stream
        self._look = look
        self._looked = time.monotonic()
        self._found = found

    async def events(self, heartbeat: float) -> AsyncIterator[Event | Gap | None]:
        """See `Subscription.events`."""
        async for event in self._stream.events(heartbeat):
            yield event
            if isinstance(event, Event):
                continue
            if event is None and self._found is not None:
                self._stream.finish()  # its message had one more heartbeat to arrive
            elif self._found is None and (isinstance(event, Gap) or self._is_time()):
                with suppress(Unavailable):
                    self._found = await self._look()
        if self._found is not None and self.end is self._found:
            yield Gap()

    def _is_time(self) -> bool:
        now = time.monotonic()
        if now < self._looked + STREAM_POLL_SECONDS:
            return False
        self._looked = now
        return True

    @property
    def end(self) -> RunEnd | None:
        """See `Subscription.end`."""
        if self.dropped or self.abandoned:
            return self._stream.end
        return self._stream.end or self._found

    @property
    def dropped(self) -> bool:
        """See `Subscription.dropped`."""
        return self._stream.dropped

    @property
    def abandoned(self) -> bool:
        """See `Subscription.abandoned`."""
        return self._stream.abandoned

    def finish(self) -> None:
        """See `Subscription.finish`."""
        self._stream.finish()

    def close(self) -> None:
        """See `Subscription.close`."""
        self._stream.close()


def _run_and_thread(
    connection: Connection, thread_id: ThreadId, run_id: RunId
) -> tuple[Run, Thread]:
    return get_run(connection, thread_id, run_id), get_thread(connection, thread_id)
