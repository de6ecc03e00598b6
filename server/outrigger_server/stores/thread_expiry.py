"""Threads whose time to live is over."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, exists, select, update

from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import Ttl, TtlStrategy
from outrigger_server.stores.pruning import is_at_rest, keep_latest
from outrigger_server.stores.run_rows import IN_FLIGHT
from outrigger_server.stores.tables import runs, threads
from outrigger_server.stores.threads import delete_thread

_EXPIRED = (
    select(threads.c.thread_id, threads.c.ttl_minutes, threads.c.ttl_strategy)
    .where(
        threads.c.expires_at <= bindparam("now"),
        threads.c.hold_token.is_(None),
        ~exists().where(runs.c.thread_id == threads.c.thread_id, IN_FLIGHT),
    )
    .order_by(threads.c.expires_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=threads)
)


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of threads whose time was over."""

    deleted: Sequence[ThreadId]
    pruned: Sequence[ThreadId]

    @property
    def count(self) -> int:
        """How many threads there were."""
        return len(self.deleted) + len(self.pruned)


def sweep_threads(connection: Connection, now: int, limit: int) -> Swept:
    """Do with up to `limit` threads what their time to live says, the longest expired first.

    A thread with a run in flight waits for the next sweep, and so does one that another
    process is at. The time of a thread that was pruned begins again.
    """
    deleted: list[ThreadId] = []
    pruned: list[ThreadId] = []
    rows = connection.execute(_EXPIRED, {"now": now, "most": limit}).all()
    for thread_id, minutes, strategy in rows:
        if not is_at_rest(connection, thread_id):  # a run came before the lock
            continue
        if strategy == TtlStrategy.DELETE:
            delete_thread(connection, thread_id)
            deleted.append(thread_id)
        else:
            keep_latest(connection, thread_id)
            _begin_again(connection, thread_id, Ttl(minutes), now)
            pruned.append(thread_id)
    return Swept(deleted, pruned)


def _begin_again(connection: Connection, thread_id: ThreadId, ttl: Ttl, now: int) -> None:
    connection.execute(
        update(threads).where(threads.c.thread_id == thread_id).values(expires_at=ttl.ends_at(now))
    )
