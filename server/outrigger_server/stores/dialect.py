"""What differs between databases: driver errors, and the driver's own connection."""

import sqlite3
from typing import Any, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from outrigger_server.errors import StoreUnavailable


def translated(error: BaseException) -> BaseException:
    """The error the rest of the server understands in place of a driver's error.

    Only failures of the database itself become `StoreUnavailable`: a full disk, a
    read-only or broken file. Everything else is returned as it is.
    """
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    if _is_outage(cause):
        failure = StoreUnavailable(
            f"The database cannot be used now ({cause}); nothing of this request was stored. "
            "Try again later."
        )
        failure.__cause__ = error
        return failure
    return error


def _is_outage(cause: BaseException | None) -> bool:
    """True for a failure of the database itself, not of the statement it was given."""
    if not isinstance(cause, sqlite3.OperationalError) and type(cause) is not sqlite3.DatabaseError:
        return False
    code = getattr(cause, "sqlite_errorcode", None)
    return code is None or code & PRIMARY_CODE != sqlite3.SQLITE_ERROR


PRIMARY_CODE = 0xFF
"""SQLite puts details above the first byte of its codes."""


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's connection, for the few statements that run many times in each run.

    It costs a tenth of the way through SQLAlchemy, and the savers' tables are
    langgraph's anyway, in its own SQL.
    """
    driver: Any = connection.connection.driver_connection
    return cast("sqlite3.Connection", driver)
