"""Threads that read, over a few connections that they take turns with."""

import asyncio
import concurrent.futures
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from outrigger_server.errors import StoreUnavailable
from outrigger_server.stores.base import Job
from outrigger_server.stores.dialect import translated

Result = TypeVar("Result")


class Readers:
    """Runs each job in a transaction begun with `begin`, which gives it one snapshot.

    There are never more connections than threads; one that broke is replaced.
    """

    def __init__(self, name: str, threads: int, engine: Engine, begin: str = "BEGIN") -> None:
        self._engine = engine
        self._begin = begin
        self._threads = concurrent.futures.ThreadPoolExecutor(threads, name)
        self._idle: list[Connection] = []
        self._closed = False

    def close(self, *, wait: bool) -> None:
        """Let no job begin any more. Blocks until all have ended, if told to `wait`."""
        self._closed = True
        self._threads.shutdown(wait=wait, cancel_futures=not wait)
        self._close_idle()

    async def read(self, job: Job[Result]) -> Result:
        """See `Database.read`."""
        loop = asyncio.get_running_loop()
        try:
            reading = loop.run_in_executor(self._threads, self._read, job)
        except RuntimeError as error:
            raise StoreUnavailable("The server is stopping; nothing was read.") from error
        return await reading

    def read_blocking(self, job: Job[Result]) -> Result:
        """See `Database.read_blocking`."""
        try:
            reading = self._threads.submit(self._read, job)
        except RuntimeError as error:
            raise StoreUnavailable("The server is stopping; nothing was read.") from error
        return reading.result()

    def _read(self, job: Job[Result]) -> Result:
        try:
            connection = self._begun()
            try:
                result = job(connection)
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                self._abort(connection)
                raise
        except BaseException as error:
            failure = translated(error)
            if failure is error:
                raise
            raise failure from error
        self._give_back(connection)
        return result

    def _begun(self) -> Connection:
        """A connection in a transaction; a new one when the idle one had broken meanwhile."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
        else:
            try:
                connection.exec_driver_sql(self._begin)
            except DBAPIError:
                connection.close()
                connection = self._engine.connect()
            else:
                return connection
        connection.exec_driver_sql(self._begin)
        return connection

    def _abort(self, connection: Connection) -> None:
        try:
            connection.exec_driver_sql("ROLLBACK")
        except Exception:  # noqa: BLE001  the job's own error tells; the connection is of no use
            connection.close()
        else:
            self._give_back(connection)

    def _give_back(self, connection: Connection) -> None:
        self._idle.append(connection)
        if self._closed:
            self._close_idle()

    def _close_idle(self) -> None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return
            connection.close()
