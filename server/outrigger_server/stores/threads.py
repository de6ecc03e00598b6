"""Threads: rows with a status that is always derived from their runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    bindparam,
    case,
    delete,
    exists,
    insert,
    literal_column,
    select,
    update,
)

from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.run import Run, RunStatus, ThreadId
from outrigger_server.domain.thread import (
    Thread,
    ThreadOutcome,
    ThreadStatus,
    Ttl,
    TtlStrategy,
)
from outrigger_server.errors import AlreadyExists, Conflict, NotFound, ThreadBusy
from outrigger_server.stores import traces
from outrigger_server.stores.checkpoint_tables.base import StoredAmounts
from outrigger_server.stores.checkpoint_tables.of import checkpoint_tables
from outrigger_server.stores.dialect import insert_or_ignore, is_duplicate
from outrigger_server.stores.locks import lock_thread
from outrigger_server.stores.ready_statement import ReadyStatement
from outrigger_server.stores.run_rows import refresh_head, settle_thread
from outrigger_server.stores.runs import in_flight, in_flight_runs
from outrigger_server.stores.tables import crons, runs, threads

STATUS = case(
    (
        exists().where(
            runs.c.thread_id == threads.c.thread_id,
            runs.c.status.in_([literal_column("'pending'"), literal_column("'running'")]),
        ),
        literal_column("'busy'"),
    ),
    else_=threads.c.rest_status,
).label("status")

COLUMNS = [
    threads.c.thread_id,
    threads.c.created_at,
    threads.c.updated_at,
    threads.c.state_updated_at,
    threads.c.metadata,
    threads.c.config,
    threads.c["values"],
    threads.c.interrupts,
    threads.c.error,
    threads.c.ttl_minutes,
    threads.c.ttl_strategy,
    threads.c.expires_at,
    STATUS,
]

_UNSET = dict.fromkeys(("values", "interrupts", "error"))
_NO_TTL = dict.fromkeys(("ttl_minutes", "ttl_strategy", "expires_at"))
_INSERT = ReadyStatement(insert(threads).inline())
_BY_ID = select(*COLUMNS).where(threads.c.thread_id == bindparam("thread"))


def to_thread(row: RowMapping | Mapping[str, Any]) -> Thread:
    """The row as a value."""
    fields: dict[str, Any] = {**row, "status": ThreadStatus(row["status"])}
    minutes, strategy = fields.pop("ttl_minutes"), fields.pop("ttl_strategy")
    ttl = Ttl(minutes, TtlStrategy(strategy)) if minutes is not None else None
    return Thread(**fields, ttl=ttl)


def create_thread(
    connection: Connection,
    thread_id: ThreadId,
    metadata: dict[str, Any],
    now: int,
    ttl: Ttl | None = None,
) -> Thread:
    """Add an idle thread.

    Raises:
        AlreadyExists: There is one with this id.
    """
    row = _new_row(thread_id, metadata, now, ttl)
    try:
        _INSERT.run(connection, row)
    except Exception as error:
        if not is_duplicate(error):
            raise
        raise AlreadyExists(f"Thread with ID {thread_id} already exists") from error
    row["status"] = row.pop("rest_status")
    return to_thread({**_UNSET, **row})


def ensure_thread(
    connection: Connection,
    thread_id: ThreadId,
    now: int,
    ttl: Ttl | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Add an idle thread, unless there is one with this id."""
    row = _new_row(thread_id, metadata or {}, now, ttl)
    connection.execute(insert_or_ignore(connection, threads), row)


def ttl_columns(ttl: Ttl | None, now: int) -> dict[str, Any]:
    """A time to live that begins now, as a row has it; empty without one."""
    if ttl is None:
        return {}
    return {
        "ttl_minutes": ttl.minutes,
        "ttl_strategy": ttl.strategy.value,
        "expires_at": ttl.ends_at(now),
    }


def _new_row(
    thread_id: ThreadId, metadata: dict[str, Any], now: int, ttl: Ttl | None
) -> dict[str, Any]:
    return {
        **_NO_TTL,
        **ttl_columns(ttl, now),
        "thread_id": thread_id,
        "created_at": now,
        "updated_at": now,
        "state_updated_at": now,
        "metadata": metadata,
        "config": {},
        "rest_status": ThreadStatus.IDLE.value,
    }


def find_thread(connection: Connection, thread_id: ThreadId) -> Thread | None:
    """The thread, or None."""
    row = connection.execute(_BY_ID, {"thread": thread_id}).mappings().first()
    return to_thread(row) if row is not None else None


def get_thread(connection: Connection, thread_id: ThreadId) -> Thread:
    """The thread.

    Raises:
        NotFound: There is none.
    """
    thread = find_thread(connection, thread_id)
    if thread is None:
        raise NotFound(f"Thread with ID {thread_id} not found")
    return thread


def may_use_thread(connection: Connection, thread_id: ThreadId, allowed: Filter) -> bool:
    """True when the thread is there and the filter lets it through, until the transaction ends."""
    if not allowed:
        return True  # whoever uses it finds out whether it is there
    lock_thread(connection, thread_id)
    thread = find_thread(connection, thread_id)
    return thread is not None and allowed.matches(thread.metadata)


def patch_thread(
    connection: Connection,
    thread_id: ThreadId,
    metadata: dict[str, Any],
    now: int,
    ttl: Ttl | None = None,
    allowed: Filter = EVERYTHING,
) -> Thread:
    """Merge `metadata` into the thread's, key by key; a new time to live begins now.

    Raises:
        NotFound: There is no such thread, or it is hidden.
    """
    lock_thread(connection, thread_id)
    thread = find_thread(connection, thread_id)
    if thread is None or not allowed.matches(thread.metadata):
        raise NotFound
    connection.execute(
        update(threads)
        .where(threads.c.thread_id == thread_id)
        .values(metadata={**thread.metadata, **metadata}, updated_at=now, **ttl_columns(ttl, now))
    )
    return get_thread(connection, thread_id)


def delete_thread(connection: Connection, thread_id: ThreadId) -> list[Run]:
    """Remove the thread with its runs, crons and checkpoints; that fences running attempts.

    Returns:
        The runs that were in flight.

    Raises:
        NotFound: There is no such thread.
    """
    lock_thread(connection, thread_id)
    present = in_flight_runs(connection, thread_id)
    if not erase_threads(connection, [thread_id]):
        raise NotFound(f"Thread with ID {thread_id} not found")
    return present


def erase_threads(connection: Connection, thread_ids: Sequence[ThreadId]) -> int:
    """Remove threads whose rows are locked, with all they have; return how many there were."""
    result = connection.execute(delete(threads).where(threads.c.thread_id.in_(thread_ids)))
    connection.execute(delete(runs).where(runs.c.thread_id.in_(thread_ids)))
    connection.execute(delete(crons).where(crons.c.thread_id.in_(thread_ids)))
    for thread_id in thread_ids:
        traces.erase_thread(connection, thread_id)
    return result.rowcount


def stored_amounts(connection: Connection, thread_id: ThreadId) -> StoredAmounts:
    """What the thread's history takes, as stored.

    Raises:
        NotFound: There is no such thread.
    """
    get_thread(connection, thread_id)
    return checkpoint_tables(connection).amounts(connection, thread_id)


# -- hold ----------------------------------------------------------------------


def hold_thread(
    connection: Connection,
    thread_id: ThreadId,
    token: str,
    checkpoint: tuple[str, str | None] = ("", None),
    until: int | None = None,
) -> None:
    """Keep runs from starting while something else changes the thread's state.

    A hold that is not released by `until` may be ended by others; without, by nobody.

    Raises:
        NotFound: There is no such thread.
        ThreadBusy: A run is in flight.
        Conflict: The thread is held already.
        InvalidRequest: The thread has no such `checkpoint`, a namespace and an id.
    """
    lock_thread(connection, thread_id)
    get_thread(connection, thread_id)
    namespace, checkpoint_id = checkpoint
    traces.require_checkpoint(connection, thread_id, checkpoint_id, namespace)
    if in_flight(connection, thread_id):
        raise ThreadBusy(f"Thread {thread_id} has in-flight runs; wait for them or cancel them.")
    if not _hold(connection, thread_id, token, until):
        raise Conflict(f"Thread {thread_id} is being changed by another request; try again.")


def hold_quiet_thread(
    connection: Connection, thread_id: ThreadId, token: str, until: int | None = None
) -> bool:
    """Keep runs from starting, unless one runs or the thread is held: then return False."""
    lock_thread(connection, thread_id)
    if any(run.status is RunStatus.RUNNING for run in in_flight(connection, thread_id)):
        return False
    return _hold(connection, thread_id, token, until)


def _hold(connection: Connection, thread_id: ThreadId, token: str, until: int | None) -> bool:
    result = connection.execute(
        update(threads)
        .where(threads.c.thread_id == thread_id, threads.c.hold_token.is_(None))
        .values(hold_token=token, held_until=until, head_at=None)
    )
    return bool(result.rowcount)


def release_thread(
    connection: Connection,
    thread_id: ThreadId,
    token: str,
    outcome: ThreadOutcome | None,
    now: int,
) -> None:
    """End a hold; write the state it made, if any, and let runs start again."""
    result = connection.execute(
        update(threads)
        .where(threads.c.thread_id == thread_id, threads.c.hold_token == token)
        .values(hold_token=None, held_until=None)
    )
    if not result.rowcount:
        return
    if outcome is None:
        refresh_head(connection, thread_id)
    else:
        settle_thread(connection, thread_id, outcome, now)
