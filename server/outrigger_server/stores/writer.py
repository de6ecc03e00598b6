"""The writer thread of SQLite: owns the only writing connection and commits in groups.

Jobs that wait together are committed together, each inside a savepoint of its own, so
one that fails takes no other with it. An acknowledged job is on disk.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from outrigger_server.errors import Overloaded, StoreUnavailable
from outrigger_server.stores.dialect import driver_of, translated

Result = TypeVar("Result")

GROUP_LIMIT = 256
"""Jobs in one transaction at most: bounds how long the first of them waits."""

BACKLOG_LIMIT = 20_000
"""Jobs that may wait; beyond it the server says that it is overloaded."""


@dataclass(slots=True)
class _Entry(Generic[Result]):
    job: Callable[[Connection], Result]
    done: Callable[[Result | None, BaseException | None], None]


class Writer:
    """Runs jobs on one thread, in the order they were handed over."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = driver_of(connection)
        self._queue: queue.SimpleQueue[_Entry[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._gate = threading.Lock()
        self._closed = False
        self.commits = 0
        self.jobs = 0

    def start(self) -> None:
        """Start taking jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what was handed over, then end; later jobs are refused. Blocks."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def begin(self, job: Callable[[Connection], Result]) -> asyncio.Future[Result]:
        """Take `job`; its future is done after the commit. See `Database.begin_write`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def done(result: Result | None, error: BaseException | None) -> None:
            try:
                loop.call_soon_threadsafe(settle, result, error)
            except RuntimeError:  # the caller's loop is gone; the job is done all the same
                return

        self._hand_over(_Entry(job, done))
        return future

    def submit_blocking(self, job: Callable[[Connection], Result]) -> Result:
        """Run `job` and return its result after the commit, for plain threads."""
        future: Future[Any] = Future()

        def done(result: Result | None, error: BaseException | None) -> None:
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self._hand_over(_Entry(job, done))
        result: Result = future.result()
        return result

    def _hand_over(self, entry: _Entry[Any]) -> None:
        with self._gate:  # nothing gets behind the end of the queue
            if self._closed:
                raise StoreUnavailable("The server is stopping; nothing was stored.")
            if self._queue.qsize() >= BACKLOG_LIMIT:
                raise Overloaded("Too many writes are waiting; try again later.")
            self._queue.put(entry)

    def _run(self) -> None:
        open_for_more = True
        while open_for_more:
            entry = self._queue.get()
            if entry is None:
                break
            group = [entry]
            while len(group) < GROUP_LIMIT:
                try:
                    entry = self._queue.get_nowait()
                except queue.Empty:
                    break
                if entry is None:
                    open_for_more = False
                    break
                group.append(entry)
            self._commit_group(group)

    def _commit_group(self, group: list[_Entry[Any]]) -> None:
        settled: list[tuple[_Entry[Any], Any, BaseException | None]] = []
        try:
            self._driver.execute("BEGIN IMMEDIATE")
            settled = [(entry, *self._run_job(entry)) for entry in group]
            self._driver.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001  an edge: every waiting job gets the error
            self._roll_back()
            failure = translated(error)
            settled = [(entry, None, failure) for entry in group]
        self.commits += 1
        self.jobs += len(group)
        for entry, result, error_of_job in settled:
            entry.done(result, error_of_job)

    def _run_job(self, entry: _Entry[Any]) -> tuple[Any, BaseException | None]:
        self._driver.execute("SAVEPOINT job")
        try:
            result = entry.job(self._connection)
        except BaseException as error:
            failure = translated(error)
            if isinstance(failure, StoreUnavailable) and not self._driver.in_transaction:
                raise  # the database gave up the whole transaction
            self._driver.execute("ROLLBACK TO job")
            self._driver.execute("RELEASE job")
            return None, failure
        self._driver.execute("RELEASE job")
        return result, None

    def _roll_back(self) -> None:
        try:
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")
        except sqlite3.Error:  # nothing is left to roll back
            return
