"""Copies threads."""

from dataclasses import dataclass
from functools import partial

from outrigger_server.domain.clock import Clock
from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import Thread
from outrigger_server.stores.base import Database
from outrigger_server.stores.thread_copies import copy_thread
from outrigger_server.stores.threads import get_thread
from outrigger_server.threads.changes import StateChanges


@dataclass(frozen=True, slots=True)
class ThreadCopier:
    """Makes threads out of others."""

    database: Database
    changes: StateChanges
    clock: Clock

    async def copy(self, source: ThreadId, copy: ThreadId) -> Thread:
        """Make a thread with the source's row and history, whose values follow the history.

        Raises:
            Conflict: There is no such thread.
        """
        job = partial(copy_thread, source=source, copy=copy, now=self.clock.now())
        copied = await self.database.write(job)
        if not copied.behind:
            return copied.thread
        await self.changes.follow_head(copy)
        return await self.database.read(partial(get_thread, thread_id=copy))
