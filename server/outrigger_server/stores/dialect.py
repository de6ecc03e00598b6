"""What differs between databases: driver errors, locks, and the words of our own SQL.

Statements in SQLAlchemy Core are built once. `FOR UPDATE` in them is for PostgreSQL, where
several processes write at once; SQLAlchemy leaves it out for SQLite, whose one writer needs
no locks.
"""

import functools
import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol, cast

from sqlalchemy import ColumnElement, Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from outrigger_server.errors import StoreUnavailable

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
"""SQLAlchemy's name for it, as `connection.dialect.name` gives it."""


# -- errors --------------------------------------------------------------------


def translated(error: BaseException) -> BaseException:
    """The error the rest of the server understands in place of a driver's error.

    Only failures of the database itself become `StoreUnavailable`: a full disk, a
    read-only or broken file, a lost connection. Everything else is returned as it is.
    """
    cause = _cause(error)
    if _is_outage(cause) or is_conflict(error):
        failure = StoreUnavailable(
            f"The database cannot be used now ({_told(cause)}); nothing of this request was "
            "stored. Try again later."
        )
        failure.__cause__ = error
        return failure
    return error


def is_conflict(error: BaseException) -> bool:
    """True when another process's transaction was in the way: the job may simply run again."""
    return getattr(_cause(error), "sqlstate", None) in _CONFLICTS


def waited_in_vain(error: BaseException) -> bool:
    """True for the conflict of a job that had already waited as long as it may."""
    return getattr(_cause(error), "sqlstate", None) == _LOCK_TIMEOUT


def is_duplicate(error: BaseException) -> bool:
    """True when there is a row with the same key already."""
    cause = _cause(error)
    state = getattr(cause, "sqlstate", None)
    return state == _UNIQUE_VIOLATION or isinstance(cause, sqlite3.IntegrityError)


_UNIQUE_VIOLATION = "23505"
_LOCK_TIMEOUT = "55P03"
_CONFLICTS = {"40001", "40P01", _LOCK_TIMEOUT}
"""PostgreSQL's: could not serialize, deadlock, a lock not had in time."""

_OUTAGES = {"08", "53", "57", "58", "XX"}
"""PostgreSQL's classes: connection, resources, operator, system, internal."""

_OTHER_OUTAGES = {"25006", "25P03", "25P04"}
"""A read-only server, and a transaction that PostgreSQL ended because its process stood still."""


def _cause(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _is_outage(cause: BaseException | None) -> bool:
    """True for a failure of the database itself, not of the statement it was given."""
    if isinstance(cause, sqlite3.Error):
        return _is_sqlite_outage(cause)
    if not type(cause).__module__.startswith("psycopg"):
        return False
    state: str | None = getattr(cause, "sqlstate", None)
    if state is None:  # the driver's own: there is no connection, or none any more
        return type(cause).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}
    return state[:2] in _OUTAGES or state in _OTHER_OUTAGES


def _is_sqlite_outage(cause: sqlite3.Error) -> bool:
    if not isinstance(cause, sqlite3.OperationalError) and type(cause) is not sqlite3.DatabaseError:
        return False
    code = getattr(cause, "sqlite_errorcode", None)
    return code is None or code & PRIMARY_CODE != sqlite3.SQLITE_ERROR


PRIMARY_CODE = 0xFF
"""SQLite puts details above the first byte of its codes."""


def _told(cause: BaseException | None) -> str:
    """The first line of what the driver says: libpq adds hints and addresses below it."""
    return str(cause).strip().partition("\n")[0]


# -- our own SQL ---------------------------------------------------------------


class Rows(Protocol):
    """What both drivers give for a statement."""

    rowcount: int

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Every row left."""
        ...


class Driver(Protocol):
    """A driver's own connection, as far as both have the same."""

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run one statement."""
        ...


def driver_of(connection: Connection) -> Driver:
    """The driver's connection, for the few statements that run many times in each run.

    It costs a tenth of the way through SQLAlchemy, and the savers' tables are
    langgraph's anyway, in its own SQL.
    """
    driver: Any = connection.connection.driver_connection
    return cast("Driver", driver)


def run_sql(connection: Connection, text: str, parameters: Sequence[Any] = ()) -> Rows:
    """Run a statement that is written once for every database.

    A parameter is `?`. `{writes}` and `{value}` stand for the table and the column where
    langgraph's saver of that database puts writes, `{for_share}` for the lock that keeps a
    row from being changed before the transaction has ended.
    """
    return driver_of(connection).execute(_sql(connection.dialect.name, text), parameters)


_WORDS = {
    "sqlite": {"writes": "writes", "value": "value", "for_share": ""},
    POSTGRESQL: {"writes": "checkpoint_writes", "value": "blob", "for_share": "FOR SHARE"},
}


@functools.cache
def _sql(dialect: str, text: str) -> str:
    worded = text.format_map(_WORDS[dialect])
    return worded.replace("?", "%s") if dialect == POSTGRESQL else worded


def insert_or_ignore(connection: Connection, table: Table) -> Insert:
    """An insert that leaves the table as it is when the row is there already."""
    if connection.dialect.name == POSTGRESQL:
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def insert_or_replace(connection: Connection, table: Table, *, when: ColumnElement[bool]) -> Insert:
    """An insert that takes the place of the row with its key, if `when` is true of that one.

    Else it leaves the table as it is, and returns no row.
    """
    dialect: Any = postgresql if connection.dialect.name == POSTGRESQL else sqlite
    key = [column.name for column in table.primary_key]
    insert = dialect.insert(table)
    fresh = {name: insert.excluded[name] for name in table.c.keys() if name not in key}  # noqa: SIM118  columns, not names, are iterated
    replacing: Insert = insert.on_conflict_do_update(index_elements=key, set_=fresh, where=when)
    return replacing


# -- writers -------------------------------------------------------------------


def has_other_writers(connection: Connection) -> bool:
    """True when other processes may write meanwhile, so that rows must be locked first."""
    return connection.dialect.name == POSTGRESQL
