"""SQLite: one file, one writer thread, a few reading threads; no other process writes."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from outrigger_server.errors import ConfigurationError
from outrigger_server.stores.dialect import SQLITE, translated
from outrigger_server.stores.job_database import JobDatabase
from outrigger_server.stores.json_text import json_text, json_value
from outrigger_server.stores.migrations.upgrade import upgrade_schema
from outrigger_server.stores.readers import Readers
from outrigger_server.stores.writer import Writer
from outrigger_telemetry.pools import PoolBoard

READERS = 4
"""Reading threads: reads are short, and two cores gain nothing from more."""


class SqliteDatabase(JobDatabase):
    """The embedded database in `data_dir`/outrigger.db; open it with `async with`.

    Opening creates the folder and the file, brings the schema up to date and locks the
    folder: a second server on the same folder is refused.

    Raises:
        ConfigurationError: The folder cannot be made, locked or written.
    """

    def __init__(self, data_dir: Path, board: PoolBoard | None = None) -> None:
        super().__init__(SQLITE, board)
        self._data_dir = data_dir
        self._path = data_dir / "outrigger.db"
        self._lock_file: int | None = None

    async def __aenter__(self) -> Self:
        with self._clear_faults():
            self._data_dir.mkdir(parents=True, exist_ok=True)
            self._lock_folder()
            engine = self._engine("rwc")
            connection = engine.connect()
            upgrade_schema(connection)
            reading = self._engine("ro")
        self._connection = connection
        self.writer = Writer(SqliteSession(connection), self._board)
        self.writer.start()
        self._readers = Readers("reader", READERS, reading, self._board)
        self._graph_readers = Readers("graph_reader", READERS, reading, self._board)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._close_jobs()
        self._connection.close()
        self._unlock_folder()

    def _engine(self, mode: str) -> Engine:
        uri = f"file:{quote(str(self._path))}?mode={mode}"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(
                uri, uri=True, timeout=5.0, isolation_level=None, check_same_thread=False
            )

        engine = create_engine(
            "sqlite+pysqlite://",
            creator=connect,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            json_serializer=json_text,
            json_deserializer=json_value,
        )
        if mode != "ro":
            event.listen(engine, "connect", _make_durable)
        return engine

    def _lock_folder(self) -> None:
        self._lock_file = os.open(self._data_dir / "outrigger.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fault = (
                f"OUTRIGGER_DATA_DIR: {self._data_dir} is in use by another Outrigger server. "
                "Stop that one, or give --data-dir another folder."
            )
            raise ConfigurationError([fault]) from None

    def _unlock_folder(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    @contextmanager
    def _unlocked_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._unlock_folder()
            raise

    @contextmanager
    def _clear_faults(self) -> Iterator[None]:
        try:
            with self._unlocked_on_failure():
                yield
        except (OSError, sqlite3.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise self._unusable(reason or str(error)) from error
        except Exception as error:
            failure = translated(error)
            if failure is error:
                raise
            cause: Any = getattr(error, "orig", error)
            raise self._unusable(str(cause)) from error

    def _unusable(self, reason: str) -> ConfigurationError:
        fault = (
            f"OUTRIGGER_DATA_DIR: the database {self._path} cannot be used: {reason}. "
            "Give --data-dir a folder that can be written and has free space."
        )
        return ConfigurationError([fault])


class SqliteSession:
    """See `WritingSession`."""

    def __init__(self, connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        self._connection = connection
        self._driver = cast("sqlite3.Connection", driver)
        self._alone = False

    @property
    def lost(self) -> bool:
        """See `WritingSession.lost`."""
        return not self._driver.in_transaction

    def begin(self, jobs: int, *, marked: bool) -> Connection:
        """See `WritingSession.begin`."""
        self._alone = jobs == 1
        self._driver.execute("BEGIN IMMEDIATE")
        return self._connection

    def begin_job(self) -> None:
        """See `WritingSession.begin_job`. A job that is alone needs no savepoint."""
        if not self._alone:
            self._driver.execute("SAVEPOINT job")

    def end_job(self) -> None:
        """See `WritingSession.end_job`."""
        if not self._alone:
            self._driver.execute("RELEASE job")

    def undo_job(self) -> None:
        """See `WritingSession.undo_job`."""
        if self._alone:
            self._driver.execute("ROLLBACK")
            self._driver.execute("BEGIN")
            return
        self._driver.execute("ROLLBACK TO job")
        self._driver.execute("RELEASE job")

    def commit(self) -> None:
        """See `WritingSession.commit`."""
        self._driver.execute("COMMIT")

    def roll_back(self) -> None:
        """See `WritingSession.roll_back`."""
        with suppress(sqlite3.Error):  # nothing is left to roll back
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")


def _make_durable(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
