"""Copies threads."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

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

    async def copy(
        self, source: ThreadId, copy: ThreadId, metadata: Mapping[str, Any] | None = None
    ) -> Thread:
        """Make a thread with the source's row and history, whose values follow the history.

        `metadata` is merged into the source's.

        Raises:
            Conflict: There is no such thread.
        """
        now = self.clock.now()
        job = partial(copy_thread, source=source, copy=copy, now=now, metadata=metadata or {})
        copied = await self.database.write(job)
        if not copied.behind:
            return copied.thread
        await self.changes.follow_head(copy)
        return await self.database.read(partial(get_thread, thread_id=copy))
