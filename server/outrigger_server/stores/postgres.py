"""PostgreSQL: one database for several processes, each with a writer and a few readers."""

import asyncio
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from outrigger_server.errors import ConfigurationError
from outrigger_server.stores.dialect import POSTGRESQL
from outrigger_server.stores.job_database import JobDatabase
from outrigger_server.stores.json_text import json_text, json_value
from outrigger_server.stores.migrations.upgrade import require_schema, upgrade_schema
from outrigger_server.stores.postgres_occupancy import Occupancy, Occupied, why_refused
from outrigger_server.stores.postgres_session import PostgresSession
from outrigger_server.stores.readers import Readers
from outrigger_server.stores.writer import Writer
from outrigger_telemetry.pools import PoolBoard

CONNECT_SECONDS = 5
GROUP_LIMIT = 60
"""Jobs in one transaction: beyond 64 savepoints PostgreSQL's snapshots become slow."""

LEAST_CONNECTIONS = 3
SETTING = "POSTGRES_URI"

_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresDatabase(JobDatabase):
    """The database at `uri`; open it with `async with`.

    It holds at most `max_connections` connections: one writes, the others read, half of them
    for jobs that run users' code. With `upgrade` the schema is brought up to date first,
    else a database that is not is refused. With `alone` no other process can open it
    meanwhile, else only such as are not `alone` themselves.

    Raises:
        ConfigurationError: The database cannot be reached, its schema is not the code's, or
            another process has it open.
    """

    def __init__(
        self,
        uri: str,
        board: PoolBoard | None = None,
        *,
        max_connections: int = 10,
        upgrade: bool = False,
        alone: bool = False,
    ) -> None:
        super().__init__(POSTGRESQL, board)
        self._uri = uri
        self._upgrade = upgrade
        self._occupancy = Occupancy.ALONE if alone else Occupancy.SHARED
        reading = max(LEAST_CONNECTIONS, max_connections) - 1
        self._reader_count = (reading + 1) // 2
        self._graph_reader_count = reading // 2

    async def __aenter__(self) -> Self:
        engine = postgres_engine(self._uri)
        self._session = PostgresSession(engine, self._occupancy)
        await asyncio.to_thread(self._prepare)
        self.writer = Writer(self._session, self._board, group_limit=GROUP_LIMIT)
        self.writer.start()
        board = self._board
        self._readers = Readers("reader", self._reader_count, engine, board, _READ)
        self._graph_readers = Readers(
            "graph_reader", self._graph_reader_count, engine, board, _READ
        )
        return self

    def _prepare(self) -> None:
        try:
            connection = self._session.open()
            if self._upgrade:
                upgrade_schema(connection, setting=SETTING)
            else:
                require_schema(connection, setting=SETTING)
        except BaseException as error:
            self._session.close()
            if isinstance(error, (psycopg.Error, DBAPIError)):
                raise _unreachable(error) from error
            if isinstance(error, Occupied):
                fault = f"{SETTING}: {why_refused(self._occupancy)}"
                raise ConfigurationError([fault]) from error
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._close_jobs()
        self._session.close()


def postgres_engine(uri: str) -> Engine:
    """Makes connections on which transactions are begun and ended by hand.

    Raises:
        ConfigurationError: `uri` is no address of PostgreSQL; it is not shown.
    """
    return create_engine(
        "postgresql+psycopg://",
        connect_args={**_CONNECTION, **_parameters(uri)},
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        json_serializer=json_text,
        json_deserializer=json_value,
    )


_CONNECTION: dict[str, Any] = {
    "application_name": "outrigger",
    "connect_timeout": CONNECT_SECONDS,
    # A peer that is gone without a word is noticed in seconds, not in hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


_ADVICE = "in its password, write @ as %40, / as %2F, % as %25, a space as %20"


def _parameters(uri: str) -> dict[str, Any]:
    """What the address says, without the name of a driver that others may need."""
    scheme, separator, rest = uri.partition("://")
    fault = f"{SETTING} is no address of PostgreSQL (a secret, not shown): {_ADVICE}"
    try:
        found = conninfo_to_dict(f"{scheme.partition('+')[0]}{separator}{rest}")
    except psycopg.Error:
        raise ConfigurationError([fault]) from None
    # Half a password in a host's name would be shown as what cannot be resolved.
    if any("@" in str(found.get(name, "")) for name in ("host", "port", "dbname")):
        raise ConfigurationError([fault])
    return found


def migrate_postgres(uri: str) -> None:
    """Bring the schema of the database at `uri` up to date; one process at a time does it.

    Raises:
        ConfigurationError: The database cannot be reached, or is of a newer version.
    """
    engine = postgres_engine(uri)
    try:
        with engine.connect() as connection:
            upgrade_schema(connection, setting=SETTING)
    except (psycopg.Error, DBAPIError) as error:
        raise _unreachable(error) from error


def _unreachable(error: BaseException) -> ConfigurationError:
    cause: Any = getattr(error, "orig", error)
    reason = str(cause).strip().partition("\n")[0]
    return ConfigurationError([f"{SETTING}: the database cannot be used: {reason}."])
