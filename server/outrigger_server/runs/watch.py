"""Watching runs: their streams, and waiting for their end."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from outrigger_server.brokers.base import EventLog, RunEnd, Subscription
from outrigger_server.domain.event import EventId
from outrigger_server.domain.run import Run, RunId, ThreadId
from outrigger_server.domain.thread import Thread
from outrigger_server.errors import NotFound
from outrigger_server.runs.ends import GONE, ROLLED_BACK, ended_earlier
from outrigger_server.stores.base import Database
from outrigger_server.stores.runs import get_run
from outrigger_server.stores.threads import get_thread


@dataclass(frozen=True, slots=True)
class RunWatcher:
    """Follows runs to their end."""

    database: Database
    events: EventLog

    async def ended(self, thread_id: ThreadId, run_id: RunId) -> RunEnd:
        """Wait until the run has ended; a run that is not there has ended with an error.

        Asks again after every message, so a lost one costs nothing but time.
        """
        while True:
            try:
                run, thread = await self.database.read(
                    partial(_run_and_thread, thread_id=thread_id, run_id=run_id)
                )
            except NotFound:
                self.events.forget(run_id)
                return RunEnd(run_id, ROLLED_BACK, GONE)
            if run.status.is_terminal:
                self.events.forget(run_id)
                return ended_earlier(run, thread)
            return await self.events.ended(run_id)

    async def follow(
        self, thread_id: ThreadId, run_id: RunId, after: EventId | None
    ) -> Subscription:
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
        return subscription


def _run_and_thread(
    connection: Connection, thread_id: ThreadId, run_id: RunId
) -> tuple[Run, Thread]:
    return get_run(connection, thread_id, run_id), get_thread(connection, thread_id)
