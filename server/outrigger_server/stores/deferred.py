"""Writes that are kept back until all of them can be made at once."""

import asyncio
from typing import Any, cast

from sqlalchemy import Connection

from outrigger_server.stores.base import Database, Job, Result, Settled
from outrigger_server.stores.checkpoint_tables.base import CheckpointTables


class DeferredWrites:
    """A `Database` that reads at once and keeps writes back until `apply`.

    For writers that look at no result, such as a saver: what fails halfway leaves nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs: list[Job[Any]] = []

    @property
    def checkpoint_tables(self) -> CheckpointTables:
        """See `Database.checkpoint_tables`."""
        return self._database.checkpoint_tables

    def begin_write(
        self, job: Job[Result], *, urgent: bool = True, settled: Settled | None = None
    ) -> asyncio.Future[Result]:
        """Keep the job back."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        done.set_result(self.write_blocking(job))
        return done

    async def write(self, job: Job[Result]) -> Result:
        """Keep the job back."""
        return self.write_blocking(job)

    def write_blocking(self, job: Job[Result]) -> Result:
        """Keep the job back."""
        self._jobs.append(job)
        return cast("Result", None)

    async def read(self, job: Job[Result]) -> Result:
        """See `Database.read`."""
        return await self._database.read(job)

    async def read_with_graph(self, job: Job[Result]) -> Result:
        """See `Database.read_with_graph`."""
        return await self._database.read_with_graph(job)

    def read_blocking(self, job: Job[Result]) -> Result:
        """See `Database.read_blocking`."""
        return self._database.read_blocking(job)

    def apply(self, connection: Connection) -> None:
        """Make the writes kept back, in order, in the caller's transaction."""
        for job in self._jobs:
            job(connection)
