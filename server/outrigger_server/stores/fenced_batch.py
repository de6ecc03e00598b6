"""Writes of one writer that share a transaction and one check of its fence."""

import threading

from sqlalchemy import Connection

from outrigger_server.stores.checkpoint_rows import NewRows, put_rows
from outrigger_server.stores.fence import Fence

BATCH_LIMIT = 16
"""Writes in one batch: bounds how long it holds up the jobs behind it."""


class FencedBatch:
    """A job that takes in further writes until the database begins with it.

    The busier the database, the more of an attempt's writes go in one job. All of them are
    written or none. Safe to use from any thread.
    """

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._gate = threading.Lock()
        self._writes: list[NewRows] = []
        self._begun = False
        self.done = False
        """Whether it is known what became of it; true on the writer's thread before later jobs."""
        self.failure: BaseException | None = None
        """Why it was not written."""

    @property
    def size(self) -> int:
        """How many writes it has taken in."""
        return len(self._writes)

    def add(self, write: NewRows) -> bool:
        """Take the write in, unless the batch is full or has begun: then return False."""
        with self._gate:
            if self._begun or len(self._writes) >= BATCH_LIMIT:
                return False
            self._writes.append(write)
            return True

    def __call__(self, connection: Connection) -> None:
        """Make the writes in order; may be called again after it was undone.

        Raises:
            FencedWrite: The writer may not write any more; nothing was written.
        """
        with self._gate:
            self._begun = True
        self.failure = None
        try:
            self._fence.check(connection)
            put_rows(connection, self._fence, self._writes)
        except BaseException as error:
            self.failure = error
            raise

    def settled(self, failure: BaseException | None) -> None:
        """Take note of what became of it after all."""
        self.done, self.failure = True, failure
