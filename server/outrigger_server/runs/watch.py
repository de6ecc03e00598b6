"""Watching runs: their streams, and waiting for their end."""

import asyncio
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from outrigger_server.brokers.base import EventLog, RunEnd, Subscription
from outrigger_server.domain.event import EventId
from outrigger_server.domain.run import Run, RunId, ThreadId
from outrigger_server.domain.thread import Thread
from outrigger_server.errors import NotFound
from outrigger_server.runs.ends import GONE, NOT_FOUND, ended_earlier
from outrigger_server.stores.base import Database
from outrigger_server.stores.run_rows import get_run
from outrigger_server.stores.threads import get_thread

POLL_SECONDS = 5.0
"""The safety net under lost messages."""


@dataclass(frozen=True, slots=True)
class RunWatcher:
    """Follows runs to their end."""

    database: Database
    events: EventLog

    async def ended(
        self,
        thread_id: ThreadId,
        run_id: RunId,
        heard: asyncio.Future[RunEnd] | None = None,
    ) -> RunEnd:
        """Wait until the run has ended; a run that is not there has ended with an error.

        `heard` is what `EventLog.ended` gave before the run was made, if anybody asked
        then. A lost message costs a few seconds: the row is read again meanwhile.

        Raises:
            Unavailable: The server stops, or the database cannot be read.
        """
        waiting = heard if heard is not None else self.events.ended(run_id)
        try:
            found = await self._read_end(thread_id, run_id) if heard is None else None
            while found is None and not waiting.done():
                await asyncio.wait({waiting}, timeout=POLL_SECONDS)
                if not waiting.done():
                    found = await self._read_end(thread_id, run_id)
            return waiting.result() if waiting.done() or found is None else found
        finally:
            waiting.cancel()
            self.events.forget(run_id)

    async def _read_end(self, thread_id: ThreadId, run_id: RunId) -> RunEnd | None:
        look = partial(_run_and_thread, thread_id=thread_id, run_id=run_id)
        try:
            run, thread = await self.database.read(look)
        except NotFound:
            return RunEnd(run_id, NOT_FOUND, GONE)
        return ended_earlier(run, thread) if run.status.is_terminal else None

    async def follow(
        self, thread_id: ThreadId, run_id: RunId, after: EventId | None
    ) -> tuple[Run, Subscription]:
        """Read the run's stream from now on, or from behind `after` on.

        The stream of a run that has ended gives what it still keeps, then ends.

        Raises:
            NotFound: The thread has no such run.
        """
        subscription = self.events.subscribe(run_id, after)
        try:
            run = await self.database.read(partial(get_run, thread_id=thread_id, run_id=run_id))
        except BaseException:
            subscription.close()
            self.events.forget(run_id)
            raise
        if run.status.is_terminal and subscription.end is None:
            subscription.close()
            self.events.forget(run_id)
        return run, subscription


def _run_and_thread(
    connection: Connection, thread_id: ThreadId, run_id: RunId
) -> tuple[Run, Thread]:
    return get_run(connection, thread_id, run_id), get_thread(connection, thread_id)
