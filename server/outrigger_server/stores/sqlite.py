"""SQLite: one file, one writer thread, a few reading threads; no other process writes."""

import asyncio
import concurrent.futures
import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from outrigger_server.errors import ConfigurationError, StoreUnavailable
from outrigger_server.stores.base import Job
from outrigger_server.stores.dialect import translated
from outrigger_server.stores.migrations.upgrade import upgrade_schema
from outrigger_server.stores.writer import Writer

Result = TypeVar("Result")

READERS = 4
"""Reading threads: reads are short, and two cores gain nothing from more."""


class SqliteDatabase:
    """The embedded database in `data_dir`/outrigger.db; open it with `async with`.

    Opening creates the folder and the file, brings the schema up to date and locks the
    folder: a second server on the same folder is refused.

    Raises:
        ConfigurationError: The folder cannot be made, locked or written.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / "outrigger.db"
        self._local = threading.local()
        self._opened: list[Connection] = []
        self._lock_file: int | None = None

    async def __aenter__(self) -> Self:
        with self._clear_faults():
            self._data_dir.mkdir(parents=True, exist_ok=True)
            self._lock_folder()
            engine = self._engine("rwc")
            connection = engine.connect()
            upgrade_schema(connection)
            self._reading_engine = self._engine("ro")
        self._opened.append(connection)
        self.writer = Writer(connection)
        self.writer.start()
        self._readers = concurrent.futures.ThreadPoolExecutor(READERS, "sqlite-reader")
        self._graph_readers = concurrent.futures.ThreadPoolExecutor(READERS, "graph-reader")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        # Users' code may never end: what it reads with is left to the end of the process.
        self._graph_readers.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown()
        self.writer.stop()
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._unlock_folder()

    def begin_write(self, job: Job[Result]) -> asyncio.Future[Result]:
        """See `Database.begin_write`."""
        return self.writer.begin(job)

    async def write(self, job: Job[Result]) -> Result:
        """See `Database.write`."""
        return await self.writer.begin(job)

    def write_blocking(self, job: Job[Result]) -> Result:
        """See `Database.write_blocking`."""
        return self.writer.submit_blocking(job)

    async def read(self, job: Job[Result]) -> Result:
        """See `Database.read`."""
        return await self._read_in(self._readers, job)

    async def read_with_graph(self, job: Job[Result]) -> Result:
        """See `Database.read_with_graph`."""
        return await self._read_in(self._graph_readers, job)

    async def _read_in(
        self, readers: concurrent.futures.ThreadPoolExecutor, job: Job[Result]
    ) -> Result:
        loop = asyncio.get_running_loop()
        try:
            reading = loop.run_in_executor(readers, self._read, job)
        except RuntimeError as error:
            raise StoreUnavailable("The server is stopping; nothing was read.") from error
        return await reading

    def read_blocking(self, job: Job[Result]) -> Result:
        """See `Database.read_blocking`."""
        try:
            reading = self._readers.submit(self._read, job)
        except RuntimeError as error:
            raise StoreUnavailable("The server is stopping; nothing was read.") from error
        return reading.result()

    def _read(self, job: Job[Result]) -> Result:
        try:
            connection = self._reading_connection()
            connection.exec_driver_sql("BEGIN")
            try:
                return job(connection)
            finally:
                connection.exec_driver_sql("COMMIT")
        except BaseException as error:
            failure = translated(error)
            if failure is error:
                raise
            raise failure from error

    def _reading_connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._reading_engine.connect()
            self._local.connection = connection
            if threading.current_thread().name.startswith("sqlite-reader"):
                self._opened.append(connection)
        return connection

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
            json_serializer=_json_text,
            json_deserializer=orjson.loads,
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


def _json_text(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # integers beyond 64 bits, which the standard library takes
        return json.dumps(value)


def _make_durable(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
