"""The role a database plays for the rest of the server.

A job is a plain function of a connection. The backend decides where it runs and when
it is committed, so the logic of a transaction is written once for every database.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from outrigger_server.stores.checkpoint_tables.base import CheckpointTables

Result = TypeVar("Result")
Job = Callable[[Connection], Result]
Settled = Callable[[BaseException | None], None]


class Database(Protocol):
    """Runs jobs in transactions. Safe to call from any event loop and any thread.

    Several processes may share one. A job that changes a thread or its runs locks the thread
    first (`locks.lock_thread`). A job that met another process's is undone and run again,
    so it has no effects but on the database.
    """

    @property
    def checkpoint_tables(self) -> CheckpointTables:
        """How checkpoints are kept here."""
        ...

    def begin_write(
        self, job: Job[Result], *, urgent: bool = True, settled: Settled | None = None
    ) -> asyncio.Future[Result]:
        """Hand `job` over at once and return what becomes of it; see `write`.

        Jobs are done in the order they were handed over. One that is not `urgent` may wait
        some milliseconds for others to be committed with it. `settled` is told the error,
        or None, by the thread that did the job, before any later job begins.
        """
        ...

    async def write(self, job: Job[Result]) -> Result:
        """Run `job` in a transaction and return its result once that is on disk.

        A job that raises leaves no trace and its error is raised here. Cancelling the
        caller does not take back a job that was handed over.

        Raises:
            StoreUnavailable: The database could not be written; nothing was stored, unless
                the error says that nobody knows.
            Overloaded: Too many jobs wait; this one was not taken.
        """
        ...

    async def read(self, job: Job[Result]) -> Result:
        """Run `job` on one consistent snapshot of what is committed.

        Raises:
            StoreUnavailable: The database could not be read.
        """
        ...

    async def read_with_graph(self, job: Job[Result]) -> Result:
        """`read` for jobs that run users' code, on threads that nothing else waits for."""
        ...

    def write_blocking(self, job: Job[Result]) -> Result:
        """`write` for plain threads; never call it on an event loop."""
        ...

    def read_blocking(self, job: Job[Result]) -> Result:
        """`read` for plain threads; never call it on an event loop."""
        ...
