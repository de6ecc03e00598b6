"""Rows of runs: what every module that changes runs reads, and keeps true, about them.

Functions here, and in the modules built on them (`runs`, `claims`, `run_ends`), take the
connection of the transaction they are part of.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    null,
    select,
    update,
)

from outrigger_server.domain.run import AttemptToken, CancelAction, Run, RunId, RunStatus, ThreadId
from outrigger_server.domain.thread import ThreadOutcome
from outrigger_server.errors import IllegalTransition, NotFound
from outrigger_server.stores.locks import lock_thread_of
from outrigger_server.stores.ready_statement import ReadyStatement
from outrigger_server.stores.tables import runs, threads

# Written into the statement: SQLite matches partial indexes against constants only.
PENDING = runs.c.status == literal_column("'pending'")
RUNNING = runs.c.status == literal_column("'running'")
IN_FLIGHT = runs.c.status.in_([literal_column("'pending'"), literal_column("'running'")])

RUN_COLUMNS = [
    column for column in runs.c if column.name not in {"seq", "owner", "lease_until", "fenced"}
]


def to_run(row: Mapping[str, Any] | RowMapping) -> Run:
    """The row as a value."""
    fields = dict(row)
    fields["status"] = RunStatus(fields["status"])
    if fields["cancel_action"] is not None:
        fields["cancel_action"] = CancelAction(fields["cancel_action"])
    return Run(**fields)


# -- read ----------------------------------------------------------------------

_BY_ID = select(*RUN_COLUMNS).where(runs.c.run_id == bindparam("run"))


def find_run(connection: Connection, run_id: RunId) -> Run | None:
    """The run, or None when there is none or none any more."""
    row = connection.execute(_BY_ID, {"run": run_id}).mappings().first()
    return to_run(row) if row is not None else None


def get_run(connection: Connection, thread_id: ThreadId, run_id: RunId) -> Run:
    """The thread's run.

    Raises:
        NotFound: The thread has no such run.
    """
    run = find_run(connection, run_id)
    if run is None or run.thread_id != thread_id:
        raise NotFound
    return run


def has_one_of(connection: Connection, thread_id: ThreadId, run_ids: Sequence[RunId]) -> bool:
    """True when the thread has at least one of the runs, ended or not."""
    query = select(runs.c.run_id).where(runs.c.run_id.in_(run_ids), runs.c.thread_id == thread_id)
    return connection.execute(query.limit(1)).first() is not None


def list_runs(
    connection: Connection,
    thread_id: ThreadId,
    *,
    limit: int,
    offset: int,
    status: str | None = None,
) -> list[Run]:
    """The thread's runs, newest first."""
    query = (
        select(*RUN_COLUMNS)
        .where(runs.c.thread_id == thread_id)
        .order_by(runs.c.created_at.desc(), runs.c.seq.desc())
        .limit(limit)
        .offset(offset)
    )
    if status is not None:
        query = query.where(runs.c.status == status)
    return [to_run(row) for row in connection.execute(query).mappings()]


_HELD = select(*RUN_COLUMNS).where(
    runs.c.run_id == bindparam("run"), runs.c.attempt == bindparam("number"), RUNNING
)


def held_run(connection: Connection, token: AttemptToken) -> Run:
    """The run an attempt holds; nothing changes it before the transaction has ended.

    Raises:
        IllegalTransition: The attempt does not hold it any more.
    """
    lock_thread_of(connection, token.run_id)
    row = (
        connection.execute(_HELD, {"run": token.run_id, "number": token.attempt}).mappings().first()
    )
    if row is None:
        raise IllegalTransition
    return to_run(row)


# -- the thread's rows ---------------------------------------------------------

HEAD_AT = case(
    (threads.c.hold_token.is_not(None), null()),
    (exists().where(runs.c.thread_id == threads.c.thread_id, RUNNING, IN_FLIGHT), null()),
    else_=select(func.min(runs.c.created_at))
    .where(runs.c.thread_id == threads.c.thread_id, PENDING, IN_FLIGHT)
    .scalar_subquery(),
)
"""What `head_at` must be: when the run comes due that may be claimed next, if any.

Every job that changes a thread's runs ends with an update of the thread that sets it so.
"""

_REFRESH_HEAD = ReadyStatement(
    update(threads)
    .where(threads.c.thread_id == bindparam("thread"))
    .values(head_at=HEAD_AT)
    .returning(threads.c.head_at)
)


def refresh_head(connection: Connection, thread_id: ThreadId) -> bool:
    """Say anew which of the thread's runs may be claimed; return whether there is one."""
    row = _REFRESH_HEAD.first(connection, {"thread": thread_id})
    return row is not None and row["head_at"] is not None


_SETTLE_CORE = (
    update(threads)
    .returning(threads.c.head_at)
    .where(threads.c.thread_id == bindparam("thread"))
    .values(
        error=bindparam("problem", type_=threads.c.error.type),
        rest_status=bindparam("rest"),
        updated_at=bindparam("now"),
        head_at=HEAD_AT,
    )
)
_SETTLE = ReadyStatement(_SETTLE_CORE)
_SETTLE_WITH_STATE = ReadyStatement(
    _SETTLE_CORE.values(
        {
            "values": bindparam("state"),
            "interrupts": bindparam("waiting"),
            "state_updated_at": bindparam("now"),
        }
    )
)


def settle_thread(
    connection: Connection, thread_id: ThreadId, outcome: ThreadOutcome, now: int
) -> bool:
    """Write what the head of the history is now; return whether a run may start next."""
    settled: dict[str, Any] = {
        "thread": thread_id,
        "problem": outcome.error,
        "rest": outcome.rest_status.value,
        "now": now,
    }
    statement = _SETTLE
    if outcome.values is not None:
        statement = _SETTLE_WITH_STATE
        settled |= {"state": outcome.values, "waiting": outcome.interrupts}
    row = statement.first(connection, settled)
    return row is not None and row["head_at"] is not None
