"""One connection to PostgreSQL that only reads, never waits long, and heals by itself."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from typing_extensions import override

from outrigger_sidecar.errors import ConfigurationError, DatabaseError

T = TypeVar("T")

CONNECT_SECONDS = 2
GRACE_SECONDS = 0.5
"""What an answer may take beyond the time that PostgreSQL itself allows its statement."""

_CONNECTION: dict[str, Any] = {
    "application_name": "outrigger-sidecar",
    "connect_timeout": CONNECT_SECONDS,
    # A peer that is gone without a word is noticed in seconds, not in hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}

_MEANINGS = (
    ("authentication failed", "the database refuses the user or password"),
    ("no password supplied", "the database asks for a password"),
    ("pg_hba.conf", "the database refuses connections from here"),
    ('role "', "the database does not know the user"),
    ('database "', "there is no such database"),
    ("starting up", "the database is starting"),
    ("shutting down", "the database is stopping"),
    ("recovery mode", "the database is recovering from a crash"),
    ("too many", "the database has no connection left"),
    ("connection slots", "the database has no connection left"),
)
"""What PostgreSQL says to one who connects, and what strangers are told of it."""


class _Late(psycopg.OperationalError):
    """The answer did not come in time, not even that it takes too long."""


class _Connection(psycopg.Connection[Any]):
    """Waits for no answer beyond `deadline`; psycopg alone waits for a frozen peer for ever."""

    deadline = float("inf")

    @override
    def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        return super().wait(_until(gen, self.deadline), *args, **options)


def _until(waiting: PQGen[T], deadline: float) -> PQGen[T]:
    """Do as `waiting` does, and break off when nothing has come by the deadline."""
    try:
        wanted = next(waiting)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > deadline:
                raise _Late
            wanted = waiting.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


class PostgresLink:
    """Connects when first asked, and again after a loss. Safe to use from several threads.

    Raises:
        ConfigurationError: `uri` is no address of PostgreSQL.
    """

    def __init__(self, uri: str) -> None:
        self._parameters = {**_CONNECTION, **_parsed(uri)}
        self._one_at_a_time = threading.Lock()
        self._connection: _Connection | None = None

    def ask(self, read: Callable[[psycopg.Connection[Any]], T], seconds: float) -> T:
        """Return what `read` reads, all of it from one moment.

        A statement may take `seconds`, and so may waiting for an earlier question.

        Raises:
            DatabaseError: There was no answer; `TooSlow` when PostgreSQL gave up the statement.
        """
        if not self._one_at_a_time.acquire(timeout=seconds):
            raise DatabaseError("the database has not answered an earlier question yet")
        try:
            return self._asked(read, seconds)
        except errors.QueryCanceled as error:
            raise TooSlow from error
        except psycopg.Error as error:
            raise DatabaseError(_meaning(error)) from error
        finally:
            self._one_at_a_time.release()

    def _asked(self, read: Callable[[psycopg.Connection[Any]], T], seconds: float) -> T:
        kept = self._connection
        if kept is not None:
            try:
                return _read(kept, read, seconds)
            except psycopg.OperationalError as error:
                self._let_go()
                if isinstance(error, (errors.QueryCanceled, _Late)):
                    raise
                # It was lost since the last question: nothing is known yet.
            except BaseException:
                self._let_go()
                raise
        self._connection = _Connection.connect(
            autocommit=True, prepare_threshold=None, **self._parameters
        )
        try:
            return _read(self._connection, read, seconds)
        except BaseException:
            self._let_go()
            raise

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Close the connection; a question that is under way has its time first."""
        with self._one_at_a_time:
            self._let_go()


class TooSlow(DatabaseError):
    """The database took too long to answer."""

    def __init__(self) -> None:
        super().__init__("the database took too long to answer")


def _read(
    connection: _Connection, read: Callable[[psycopg.Connection[Any]], T], seconds: float
) -> T:
    connection.deadline = time.monotonic() + seconds + GRACE_SECONDS
    milliseconds = max(1, round(1000 * seconds))
    begin = (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
        f"SET LOCAL statement_timeout = {milliseconds}"
    )
    connection.execute(begin.encode())
    result = read(connection)
    connection.execute(b"COMMIT")
    return result


def _parsed(uri: str) -> dict[str, Any]:
    scheme, separator, rest = uri.partition("://")
    fault = "POSTGRES_URI is no address of PostgreSQL (a secret, not shown)"
    try:
        # Without the name of a driver that others may need.
        found = conninfo_to_dict(f"{scheme.partition('+')[0]}{separator}{rest}")
    except psycopg.Error:
        raise ConfigurationError([fault]) from None
    # Half a password in a host's name would be told as what cannot be found.
    if any("@" in str(found.get(name, "")) for name in ("host", "port", "dbname")):
        raise ConfigurationError([fault])
    return found


def _meaning(error: psycopg.Error) -> str:
    if isinstance(error, _Late):
        return "the database does not answer"
    if isinstance(error, (errors.UndefinedTable, errors.UndefinedColumn)):
        return "the database lacks the server's tables"
    if isinstance(error, errors.InsufficientPrivilege):
        return "the database does not let this user read"
    said = str(error)
    return next(
        (told for part, told in _MEANINGS if part in said), "the database cannot be reached"
    )
