"""Prunes threads that somebody names."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import TtlStrategy
from outrigger_server.errors import NotFound
from outrigger_server.runs.cancel import RunCanceller, is_hidden
from outrigger_server.stores.base import Database
from outrigger_server.stores.pruning import keep_latest


@dataclass(frozen=True, slots=True)
class Pruner:
    """Removes threads, or their past."""

    database: Database
    canceller: RunCanceller

    async def prune(
        self,
        thread_ids: Sequence[ThreadId],
        strategy: TtlStrategy,
        allowed: Filter = EVERYTHING,
    ) -> int:
        """Prune the threads one by one; return how many were pruned.

        Those that are not there, or hidden, count for nothing. To keep the latest of a thread
        with a run in flight is left for later: it is not pruned and does not count.
        """
        pruned = 0
        for thread_id in dict.fromkeys(thread_ids):
            if await is_hidden(self.database, thread_id, allowed):
                continue
            if strategy is TtlStrategy.DELETE:
                pruned += await self._delete(thread_id)
            else:
                pruned += await self.database.write(partial(keep_latest, thread_id=thread_id))
        return pruned

    async def _delete(self, thread_id: ThreadId) -> bool:
        try:
            await self.canceller.delete_thread(thread_id)
        except NotFound:
            return False
        return True
