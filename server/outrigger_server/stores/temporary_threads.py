"""Threads made for one run that was sent without a thread; they go when it has ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, exists, select, update

from outrigger_server.domain.run import ThreadId
from outrigger_server.stores.run_rows import IN_FLIGHT
from outrigger_server.stores.runs import in_flight
from outrigger_server.stores.tables import runs, threads
from outrigger_server.stores.threads import ensure_thread, erase_threads

_MARK = (
    update(threads)
    .where(threads.c.thread_id == bindparam("thread"))
    .values(temporary_since=bindparam("now"))
)


def make_temporary_thread(
    connection: Connection, thread_id: ThreadId, now: int, metadata: dict[str, Any] | None = None
) -> None:
    """Add a thread that goes once its run has ended. `thread_id` must be new."""
    ensure_thread(connection, thread_id, now, metadata=metadata)
    connection.execute(_MARK, {"thread": thread_id, "now": now})


_TEMPORARY = select(threads.c.thread_id).where(threads.c.temporary_since.is_not(None))
_RUNS_IN_FLIGHT = exists().where(runs.c.thread_id == threads.c.thread_id, IN_FLIGHT)
_LEFT = (
    _TEMPORARY.where(threads.c.updated_at <= bindparam("before"), ~_RUNS_IN_FLIGHT)
    .order_by(threads.c.updated_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def delete_temporary_threads(
    connection: Connection, thread_ids: Sequence[ThreadId]
) -> Sequence[ThreadId]:
    """Remove those of the threads that are temporary and at rest, with all they have.

    Returns:
        The threads that were removed.
    """
    query = _TEMPORARY.where(threads.c.thread_id.in_(thread_ids)).order_by(threads.c.thread_id)
    locked = query.with_for_update(skip_locked=True)
    return _delete_at_rest(connection, connection.execute(locked).scalars().all())


@dataclass(frozen=True, slots=True)
class Left:
    """Temporary threads that were left behind."""

    found: int
    deleted: Sequence[ThreadId]


def delete_left_threads(connection: Connection, before: int, limit: int) -> Left:
    """Remove temporary threads whose run has ended `before`, up to `limit` of them.

    These are left when a process is lost between the end of a run and the end of its thread.
    Fewer found than `limit` means that none is left.
    """
    found = connection.execute(_LEFT, {"before": before, "most": limit}).scalars().all()
    return Left(len(found), _delete_at_rest(connection, found))


def _delete_at_rest(connection: Connection, locked: Sequence[str]) -> Sequence[ThreadId]:
    # Looked at again: nobody can add a run to a thread that is locked.
    resting = [ThreadId(each) for each in locked if not in_flight(connection, ThreadId(each))]
    if resting:
        erase_threads(connection, resting)
    return resting
