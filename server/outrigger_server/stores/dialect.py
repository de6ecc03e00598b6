"""What differs between databases: driver errors, and nothing else yet."""

import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError

from outrigger_server.errors import StoreUnavailable


def translated(error: BaseException) -> BaseException:
    """The error the rest of the server understands in place of a driver's error.

    Only failures of the database itself become `StoreUnavailable`: a full disk, a
    read-only or broken file. Everything else is returned as it is.
    """
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, OperationalError) or isinstance(cause, sqlite3.OperationalError):
        failure = StoreUnavailable(
            f"The database cannot be used now ({cause}); nothing of this request was stored. "
            "Try again later."
        )
        failure.__cause__ = error
        return failure
    return error
