"""Copies of threads: the row and the whole history, without the runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, insert, select

from outrigger_server.domain.run import RunStatus, ThreadId
from outrigger_server.domain.thread import Thread, ThreadStatus
from outrigger_server.errors import Conflict
from outrigger_server.stores.checkpoint_tables.of import checkpoint_tables
from outrigger_server.stores.locks import lock_run, lock_thread
from outrigger_server.stores.runs import in_flight
from outrigger_server.stores.tables import threads
from outrigger_server.stores.threads import find_thread, get_thread, ttl_columns

NOTHING_TO_COPY = "Conflict: there is no thread {} to copy."


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy, and whether its row is behind its history."""

    thread: Thread
    behind: bool


def copy_thread(
    connection: Connection,
    source: ThreadId,
    copy: ThreadId,
    now: int,
    metadata: Mapping[str, Any] = MappingProxyType({}),
) -> Copied:
    """Make `copy` with the source's row and history as they stand; a run goes on meanwhile.

    No run and no later rollback of one reaches the copy: its checkpoints belong to nobody, and
    what rollbacks would put back stays with the source. A time to live begins anew. `metadata` is
    merged into the source's.

    Raises:
        Conflict: There is no such thread.
    """
    lock_thread(connection, source)
    found = find_thread(connection, source)
    if found is None:
        raise Conflict(NOTHING_TO_COPY.format(source))
    runs = in_flight(connection, source)
    for run in runs:
        if run.status is RunStatus.RUNNING:
            lock_run(connection, run.run_id)  # what it writes lands before or behind the copy
    row = connection.execute(select(threads).where(threads.c.thread_id == source)).mappings().one()
    times = {"created_at": now, "updated_at": now, "state_updated_at": now}
    free = dict.fromkeys(("head_at", "hold_token", "held_until", "error", "temporary_since"))
    own = {"thread_id": copy, "config": {}, "metadata": {**found.metadata, **metadata}}
    ttl = ttl_columns(found.ttl, now)
    connection.execute(insert(threads).values({**row, **own, **times, **free, **ttl}))
    checkpoint_tables(connection).copy_thread(connection, source, copy)
    failed = row["rest_status"] == ThreadStatus.ERROR
    behind = bool(runs) or row["hold_token"] is not None or failed
    return Copied(get_thread(connection, copy), behind)
