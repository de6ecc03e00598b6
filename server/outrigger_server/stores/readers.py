"""Threads that read, over a few connections that they take turns with."""

import asyncio
import concurrent.futures
import time
from collections import deque
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from outrigger_server.errors import StoreUnavailable
from outrigger_server.stores.base import Job
from outrigger_server.stores.dialect import translated
from outrigger_telemetry.pools import PoolBoard, PoolUse

Result = TypeVar("Result")


class Readers:
    """Runs each job in a transaction begun with `begin`, which gives it one snapshot.

    There are never more connections than threads; one that broke is replaced. The `board`
    shows how they are used.
    """

    def __init__(
        self, name: str, threads: int, engine: Engine, board: PoolBoard, begin: str = "BEGIN"
    ) -> None:
        self._engine = engine
        self._begin = begin
        self._threads = concurrent.futures.ThreadPoolExecutor(threads, name)
        self._idle: list[Connection] = []
        self._asked: deque[float] = deque()  # since when each job waits for a thread
        self._at_work: deque[None] = deque()
        self._acquired = board.watch(name, self._use)
        self._closed = False

    def close(self, *, wait: bool) -> None:
        """Let no job begin any more. Blocks until all have ended, if told to `wait`."""
        self._closed = True
        self._threads.shutdown(wait=wait, cancel_futures=not wait)
        self._close_idle()

    async def read(self, job: Job[Result]) -> Result:
        """See `Database.read`."""
        return await asyncio.wrap_future(self._submit(job))

    def read_blocking(self, job: Job[Result]) -> Result:
        """See `Database.read_blocking`."""
        return self._submit(job).result()

    def _submit(self, job: Job[Result]) -> concurrent.futures.Future[Result]:
        self._asked.append(time.perf_counter())
        try:
            reading = self._threads.submit(self._read, job)
        except RuntimeError as error:
            self._asked.pop()
            raise StoreUnavailable("The server is stopping; nothing was read.") from error
        reading.add_done_callback(self._forget_cancelled)
        return reading

    def _forget_cancelled(self, reading: concurrent.futures.Future[Any]) -> None:
        if reading.cancelled():  # before its thread was free; the first in line is as good as it
            self._asked.popleft()

    def _use(self) -> PoolUse:
        return PoolUse(len(self._at_work), len(self._idle), len(self._asked))

    def _read(self, job: Job[Result]) -> Result:
        asked_at = self._asked.popleft()
        self._at_work.append(None)
        try:
            return self._done(job, asked_at)
        finally:
            self._at_work.pop()

    def _done(self, job: Job[Result], asked_at: float) -> Result:
        try:
            connection = self._begun()
            self._acquired(time.perf_counter() - asked_at)
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
