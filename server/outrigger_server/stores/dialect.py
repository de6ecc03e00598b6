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
    if isinstance(cause, sqlite3.OperationalError) or type(cause) is sqlite3.DatabaseError:
        failure = StoreUnavailable(
            f"The database cannot be used now ({cause}); nothing of this request was stored. "
            "Try again later."
        )
        failure.__cause__ = error
        return failure
    return error


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's connection, for the few statements that run many times in each run.

    It costs a tenth of the way through SQLAlchemy, and the savers' tables are
    langgraph's anyway, in its own SQL.
    """
    driver: Any = connection.connection.driver_connection
    return cast("sqlite3.Connection", driver)
