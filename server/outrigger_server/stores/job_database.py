"""What every database does with jobs: a writer for those that write, readers for the others."""

import asyncio
from typing import TypeVar

from outrigger_server.stores.base import Job, Settled
from outrigger_server.stores.checkpoint_tables.base import CheckpointTables
from outrigger_server.stores.checkpoint_tables.of import tables_of_dialect
from outrigger_server.stores.readers import Readers
from outrigger_server.stores.writer import Writer
from outrigger_telemetry.metrics import local_metrics
from outrigger_telemetry.pools import PoolBoard

Result = TypeVar("Result")


class JobDatabase:
    """A database while it is open: the part of `Database` that does not depend on which one.

    Whoever opens one gives it its `writer` and its readers. Without a `board` nobody sees how
    they are used.
    """

    writer: Writer
    _readers: Readers
    _graph_readers: Readers

    def __init__(self, dialect: str, board: PoolBoard | None) -> None:
        self._board = board or PoolBoard(local_metrics(()))
        self.checkpoint_tables: CheckpointTables = tables_of_dialect(dialect)

    def _close_jobs(self) -> None:
        """Finish what was handed over, and take no more. Blocks."""
        # Users' code may never end: what it reads with is left to the end of the process.
        self._graph_readers.close(wait=False)
        self._readers.close(wait=True)
        self.writer.stop()

    def begin_write(
        self, job: Job[Result], *, urgent: bool = True, settled: Settled | None = None
    ) -> asyncio.Future[Result]:
        """See `Database.begin_write`."""
        return self.writer.begin(job, urgent=urgent, settled=settled)

    async def write(self, job: Job[Result]) -> Result:
        """See `Database.write`."""
        return await self.writer.begin(job)

    def write_blocking(self, job: Job[Result]) -> Result:
        """See `Database.write_blocking`."""
        return self.writer.submit_blocking(job)

    async def read(self, job: Job[Result]) -> Result:
        """See `Database.read`."""
        return await self._readers.read(job)

    async def read_with_graph(self, job: Job[Result]) -> Result:
        """See `Database.read_with_graph`."""
        return await self._graph_readers.read(job)

    def read_blocking(self, job: Job[Result]) -> Result:
        """See `Database.read_blocking`."""
        return self._readers.read_blocking(job)
