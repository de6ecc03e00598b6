"""Finds and counts threads."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.thread import Thread, ThreadStatus
from outrigger_server.stores.filters import filter_conditions
from outrigger_server.stores.json_entries import entry_test
from outrigger_server.stores.tables import threads
from outrigger_server.stores.threads import COLUMNS, STATUS, to_thread


@dataclass(frozen=True, slots=True)
class ThreadFilter:
    """Which threads are wanted."""

    metadata: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    status: ThreadStatus | None = None
    ids: tuple[str, ...] | None = None
    allowed: Filter = EVERYTHING


@dataclass(frozen=True, slots=True)
class ThreadQuery(ThreadFilter):
    """Which page of them is wanted, in which order."""

    sort_by: str = "updated_at"
    descending: bool = True
    limit: int = 10
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """One page of threads, and how many there are in all."""

    threads: tuple[Thread, ...]
    total: int


def search_threads(connection: Connection, query: ThreadQuery) -> ThreadPage:
    """The threads that match every condition."""
    conditions = _conditions(connection, query)
    total = _count(connection, conditions)
    statement = _ordered(select(*COLUMNS).where(*conditions), query)
    rows = connection.execute(statement.limit(query.limit).offset(query.offset)).mappings()
    return ThreadPage(tuple(to_thread(row) for row in rows), total)


def count_threads(connection: Connection, wanted: ThreadFilter) -> int:
    """How many threads match every condition."""
    return _count(connection, _conditions(connection, wanted))


def _count(connection: Connection, conditions: list[ColumnElement[bool]]) -> int:
    statement = select(func.count()).select_from(threads).where(*conditions)
    return int(connection.execute(statement).scalar_one())


def _ordered(statement: Select[Any], query: ThreadQuery) -> Select[Any]:
    column: ColumnElement[Any] = STATUS if query.sort_by == "status" else threads.c[query.sort_by]
    order = column.desc() if query.descending else column.asc()
    return statement.order_by(order, threads.c.thread_id)


def _conditions(connection: Connection, query: ThreadFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.status is not None:
        conditions.append(STATUS.element == query.status.value)
    if query.ids is not None:
        conditions.append(threads.c.thread_id.in_(query.ids))
    conditions += filter_conditions(connection, threads.c.metadata, query.allowed)
    has_entry = entry_test(connection)
    conditions += [has_entry(threads.c.metadata, k, v) for k, v in query.metadata.items()]
    conditions += [has_entry(threads.c["values"], k, v) for k, v in query.values.items()]
    return conditions
