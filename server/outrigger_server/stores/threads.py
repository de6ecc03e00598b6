"""Threads: rows with a status that is always derived from their runs."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.run import Run, RunStatus, ThreadId
from outrigger_server.domain.thread import Thread, ThreadOutcome, ThreadStatus
from outrigger_server.errors import AlreadyExists, Conflict, NotFound, ThreadBusy
from outrigger_server.stores import traces
from outrigger_server.stores.dialect import insert_or_ignore, lock_thread
from outrigger_server.stores.filters import filter_conditions
from outrigger_server.stores.json_entries import entry_test
from outrigger_server.stores.run_rows import refresh_head, settle_thread
from outrigger_server.stores.runs import in_flight, in_flight_runs
from outrigger_server.stores.tables import runs, threads

_STATUS = case(
    (
        exists().where(
            runs.c.thread_id == threads.c.thread_id,
            runs.c.status.in_([literal_column("'pending'"), literal_column("'running'")]),
        ),
        literal_column("'busy'"),
    ),
    else_=threads.c.rest_status,
).label("status")

_COLUMNS = [
    threads.c.thread_id,
    threads.c.created_at,
    threads.c.updated_at,
    threads.c.state_updated_at,
    threads.c.metadata,
    threads.c.config,
    threads.c["values"],
    threads.c.interrupts,
    threads.c.error,
    _STATUS,
]

_INSERT = insert(threads)
_BY_ID = select(*_COLUMNS).where(threads.c.thread_id == bindparam("thread"))


def to_thread(row: RowMapping) -> Thread:
    """The row as a value."""
    return Thread(**{**row, "status": ThreadStatus(row["status"])})


def create_thread(
    connection: Connection, thread_id: ThreadId, metadata: dict[str, Any], now: int
) -> Thread:
    """Add an idle thread.

    Raises:
        AlreadyExists: There is one with this id.
    """
    row = _new_row(thread_id, metadata, now)
    try:
        connection.execute(_INSERT, row)
    except IntegrityError as error:
        raise AlreadyExists(f"Thread with ID {thread_id} already exists") from error
    return Thread(status=ThreadStatus(row.pop("rest_status")), **row)


def ensure_thread(
    connection: Connection,
    thread_id: ThreadId,
    now: int,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Add an idle thread, unless there is one with this id."""
    row = _new_row(thread_id, metadata or {}, now)
    connection.execute(insert_or_ignore(connection, threads), row)


def _new_row(thread_id: ThreadId, metadata: dict[str, Any], now: int) -> dict[str, Any]:
    return {
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
    allowed: Filter = EVERYTHING,
) -> Thread:
    """Merge `metadata` into the thread's, key by key.

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
        .values(metadata={**thread.metadata, **metadata}, updated_at=now)
    )
    return get_thread(connection, thread_id)


def delete_thread(connection: Connection, thread_id: ThreadId) -> list[Run]:
    """Remove the thread with its runs and checkpoints; running attempts are fenced by that.

    Returns:
        The runs that were in flight.

    Raises:
        NotFound: There is no such thread.
    """
    lock_thread(connection, thread_id)
    present = in_flight_runs(connection, thread_id)
    result = connection.execute(delete(threads).where(threads.c.thread_id == thread_id))
    if not result.rowcount:
        raise NotFound(f"Thread with ID {thread_id} not found")
    connection.execute(delete(runs).where(runs.c.thread_id == thread_id))
    traces.erase_thread(connection, thread_id)
    return present


# -- search --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ThreadQuery:
    """Which threads are wanted, in which order."""

    metadata: dict[str, Any]
    values: dict[str, Any]
    status: ThreadStatus | None
    ids: tuple[str, ...] | None
    sort_by: str
    descending: bool
    limit: int
    offset: int
    allowed: Filter = EVERYTHING


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """One page of threads, and how many there are in all."""

    threads: tuple[Thread, ...]
    total: int


def search_threads(connection: Connection, query: ThreadQuery) -> ThreadPage:
    """The threads that match every condition."""
    conditions = _conditions(connection, query)
    total = connection.execute(
        select(func.count()).select_from(threads).where(*conditions)
    ).scalar_one()
    statement = _ordered(select(*_COLUMNS).where(*conditions), query)
    rows = connection.execute(statement.limit(query.limit).offset(query.offset)).mappings()
    return ThreadPage(tuple(to_thread(row) for row in rows), total)


def _ordered(statement: Select[Any], query: ThreadQuery) -> Select[Any]:
    column: ColumnElement[Any] = _STATUS if query.sort_by == "status" else threads.c[query.sort_by]
    order = column.desc() if query.descending else column.asc()
    return statement.order_by(order, threads.c.thread_id)


def _conditions(connection: Connection, query: ThreadQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.status is not None:
        conditions.append(_STATUS.element == query.status.value)
    if query.ids is not None:
        conditions.append(threads.c.thread_id.in_(query.ids))
    conditions += filter_conditions(connection, threads.c.metadata, query.allowed)
    has_entry = entry_test(connection)
    conditions += [has_entry(threads.c.metadata, k, v) for k, v in query.metadata.items()]
    conditions += [has_entry(threads.c["values"], k, v) for k, v in query.values.items()]
    return conditions


# -- hold ----------------------------------------------------------------------


def hold_thread(
    connection: Connection,
    thread_id: ThreadId,
    token: str,
    checkpoint_id: str | None = None,
    until: int | None = None,
) -> None:
    """Keep runs from starting while something else changes the thread's state.

    A hold that is not released by `until` may be ended by others; without, by nobody.

    Raises:
        NotFound: There is no such thread.
        ThreadBusy: A run is in flight.
        Conflict: The thread is held already.
        InvalidRequest: `checkpoint_id` is given and the thread has no such checkpoint.
    """
    lock_thread(connection, thread_id)
    get_thread(connection, thread_id)
    traces.require_checkpoint(connection, thread_id, checkpoint_id)
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
