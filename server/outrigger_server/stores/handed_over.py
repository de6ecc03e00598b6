"""Batches of writes handed over to the database whose graph did not wait for the disk."""

import asyncio
from collections import deque


class HandedOver:
    """Batches on their way, oldest first; remembers the first that failed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._writing: deque[asyncio.Future[None]] = deque()
        self._failure: BaseException | None = None

    @property
    def waiting(self) -> bool:
        """Whether any of them may still be on its way."""
        return bool(self._writing)

    async def add(self, writing: asyncio.Future[None]) -> None:
        """Take a write in; wait for the oldest while there are more batches than the limit.

        `writing` is the same for all writes of a batch.
        """
        if not self._writing or self._writing[-1] is not writing:
            self._writing.append(writing)
        self._drop_done()
        while len(self._writing) > self._limit:
            await asyncio.wait({self._writing[0]})
            self._drop_done()
        self.raise_failure()

    async def written(self) -> None:
        """Wait for all, however they end."""
        while self._writing:
            await asyncio.wait({self._writing[0]})
            self._drop_done()

    def _drop_done(self) -> None:
        while self._writing and self._writing[0].done():
            failure = self._writing.popleft().exception()
            self._failure = self._failure or failure

    def raise_failure(self) -> None:
        """Raise what the first write that failed raised."""
        if self._failure is not None:
            raise self._failure
