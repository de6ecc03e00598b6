"""Crons' rows: kept, found, and fired at most once for every time that is due."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.cron import Cron, OnRunCompleted
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import NotFound
from outrigger_server.stores.assistants import find_assistant
from outrigger_server.stores.filters import filter_conditions
from outrigger_server.stores.json_entries import entry_test
from outrigger_server.stores.locks import lock_thread
from outrigger_server.stores.tables import crons
from outrigger_server.stores.threads import find_thread


def _to_cron(row: RowMapping) -> Cron:
    fields = dict(row)
    if fields["on_run_completed"] is not None:
        fields["on_run_completed"] = OnRunCompleted(fields["on_run_completed"])
    return Cron(**fields)


def create_cron(connection: Connection, cron: Cron) -> Cron:
    """Add a cron.

    Raises:
        NotFound: Its thread or its assistant is not there any more.
    """
    if cron.thread_id is not None:
        lock_thread(connection, cron.thread_id)
        if find_thread(connection, cron.thread_id) is None:
            raise NotFound(f"Thread with ID {cron.thread_id} not found")
    if find_assistant(connection, cron.assistant_id, locked=True) is None:
        raise NotFound(f"Assistant '{cron.assistant_id}' not found")
    connection.execute(insert(crons), asdict(cron))
    return cron


_BY_ID = select(crons).where(crons.c.cron_id == bindparam("cron"))


def get_cron(
    connection: Connection,
    cron_id: str,
    *,
    allowed: Filter = EVERYTHING,
    locked: bool = False,
) -> Cron:
    """The cron. `locked`: nobody changes it before the transaction has ended.

    Raises:
        NotFound: There is none, or it is hidden.
    """
    query = _BY_ID.with_for_update() if locked else _BY_ID
    row = connection.execute(query, {"cron": cron_id}).mappings().first()
    if row is None or not allowed.matches(row["metadata"]):
        raise NotFound
    return _to_cron(row)


def change_cron(
    connection: Connection,
    cron_id: str,
    change: Callable[[Cron], Cron],
    allowed: Filter = EVERYTHING,
) -> Cron:
    """Replace the cron by what `change` makes of it.

    Raises:
        NotFound: There is none, or it is hidden.
    """
    changed = change(get_cron(connection, cron_id, allowed=allowed, locked=True))
    connection.execute(update(crons).where(crons.c.cron_id == cron_id).values(asdict(changed)))
    return changed


def delete_cron(connection: Connection, cron_id: str, allowed: Filter = EVERYTHING) -> None:
    """Remove the cron; the runs that it made stay.

    Raises:
        NotFound: There is none, or it is hidden.
    """
    get_cron(connection, cron_id, allowed=allowed, locked=True)
    connection.execute(delete(crons).where(crons.c.cron_id == cron_id))


# -- due -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DueCrons:
    """Crons whose time has come, the longest due first, and when the one after them is due."""

    crons: tuple[Cron, ...]
    next_due: int | None


def due_crons(connection: Connection, now: int, limit: int) -> DueCrons:
    """The crons that are due, at most `limit`."""
    query = (
        select(crons)
        .where(crons.c.next_run_at.is_not(None))
        .order_by(crons.c.next_run_at, crons.c.cron_id)
        .limit(limit + 1)
    )
    found = [_to_cron(row) for row in connection.execute(query).mappings()]
    due = tuple(cron for cron in found if (cron.next_run_at or 0) <= now)[:limit]
    following = found[len(due) : len(due) + 1]
    return DueCrons(due, following[0].next_run_at if following else None)


def advance_cron(connection: Connection, cron: Cron, now: int) -> Cron | None:
    """Set when the cron fires next, if nobody has done so since it was read as `cron`.

    Whoever gets it back fires it, in the same transaction; the others get None. The thread's
    row is locked before the cron's.
    """
    if cron.thread_id is not None:
        lock_thread(connection, cron.thread_id)
    try:
        present = get_cron(connection, cron.cron_id, locked=True)
    except NotFound:
        return None
    if present.next_run_at is None or present.next_run_at > now:
        return None
    due = present.next_after(now)
    connection.execute(update(crons).where(crons.c.cron_id == cron.cron_id).values(next_run_at=due))
    return present


def stop_cron(connection: Connection, cron_id: str, now: int) -> bool:
    """Switch off a cron whose schedule means nothing any more; False if it was off already."""
    stopped = connection.execute(
        update(crons)
        .where(crons.c.cron_id == cron_id, crons.c.next_run_at <= now)
        .values(enabled=False, next_run_at=None, updated_at=now)
    )
    return bool(stopped.rowcount)


# -- search --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CronFilter:
    """Which crons are wanted; None matches all."""

    assistant_id: str | None = None
    thread_id: ThreadId | None = None
    enabled: bool | None = None
    metadata: Mapping[str, Any] | None = None
    allowed: Filter = EVERYTHING


@dataclass(frozen=True, slots=True)
class CronPage:
    """Which part of what was found, in which order."""

    limit: int
    offset: int
    sort_by: str = "created_at"
    descending: bool = True


def search_crons(
    connection: Connection, wanted: CronFilter, page: CronPage
) -> tuple[Sequence[Cron], int]:
    """The crons that match every condition, and how many there are in all."""
    column = crons.c[page.sort_by]
    order = (column.desc() if page.descending else column.asc()).nulls_last()
    query = (
        select(crons)
        .where(*_conditions(connection, wanted))
        .order_by(order, crons.c.cron_id)
        .limit(page.limit)
        .offset(page.offset)
    )
    found = [_to_cron(row) for row in connection.execute(query).mappings()]
    return found, count_crons(connection, wanted)


def count_crons(connection: Connection, wanted: CronFilter) -> int:
    """How many crons match every condition."""
    counting = select(func.count()).select_from(crons)
    return connection.execute(counting.where(*_conditions(connection, wanted))).scalar_one()


def _conditions(connection: Connection, wanted: CronFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.assistant_id is not None:
        conditions.append(crons.c.assistant_id == wanted.assistant_id)
    if wanted.thread_id is not None:
        conditions.append(crons.c.thread_id == wanted.thread_id)
    if wanted.enabled is not None:
        conditions.append(crons.c.enabled.is_(wanted.enabled))
    conditions += filter_conditions(connection, crons.c.metadata, wanted.allowed)
    has_entry = entry_test(connection)
    return conditions + [
        has_entry(crons.c.metadata, *each) for each in (wanted.metadata or {}).items()
    ]
