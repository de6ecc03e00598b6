"""Checkpoint savers: one that writes behind a fence, and one that only reads.

Rows keep the format of langgraph's own saver for the database, which does the reading.
Every attempt gets a saver of its own, which carries the attempt's fence.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from sqlalchemy import Connection
from typing_extensions import override

from outrigger_server.errors import FencedWrite, NotAllowed, OutriggerError, WritesLost
from outrigger_server.stores.base import Database
from outrigger_server.stores.checkpoint_rows import NewRows, TaskWrites
from outrigger_server.stores.checkpoint_tables.base import (
    NewCheckpoint,
    PackedCheckpoint,
    WriteRow,
)
from outrigger_server.stores.checkpoint_tables.of import checkpoint_tables
from outrigger_server.stores.fence import Fence, WriteObserver
from outrigger_server.stores.fenced_batch import FencedBatch
from outrigger_server.stores.handed_over import HandedOver
from outrigger_server.stores.own_head import OwnHead

HANDED_OVER_LIMIT = 4
"""Batches of one attempt that may wait for the disk before its graph must wait too."""


def _nothing(_connection: Connection) -> None:
    """Write nothing: a job that only marks a place in the order of jobs."""


class ReadingSaver(BaseCheckpointSaver[str]):
    """Reads the checkpoints of one connection; for jobs that run on a reading thread."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    @override
    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return _get(self.serde, config, self._connection)

    @override
    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        return iter(_list(self.serde, config, filter, before, limit, self._connection))


class FencedSaver(BaseCheckpointSaver[str]):
    """Reads and writes checkpoints; every write passes the fence or raises `FencedWrite`.

    With `durable` an awaited write is on disk. Without, it is handed over in order and the
    graph goes on at once, so not even a node that blocks the loop holds it up; what became
    of it is raised by the next write, or by `settle`. Reads see every earlier write. Safe
    on any loop and, with the blocking methods, in any thread that runs no loop. `fresh`: the
    thread has no checkpoint, so before the first one there is nothing to read.
    """

    def __init__(
        self,
        database: Database,
        fence: Fence,
        observer: WriteObserver,
        *,
        durable: bool = True,
        fresh: bool = False,
    ) -> None:
        super().__init__()
        self._database = database
        self._tables = database.checkpoint_tables
        self._fence = fence
        self._observer = observer
        self._durable = durable
        self._fresh = fresh
        self._handed_over = HandedOver(0 if durable else HANDED_OVER_LIMIT)
        self.head = OwnHead(self.serde)
        self._batch = FencedBatch(fence)
        self._batches: deque[FencedBatch] = deque()
        self._writing: asyncio.Future[None] | None = None

    async def settle(self) -> None:
        """Return when every write is on disk.

        Raises:
            FencedWrite: The fence refused one of them.
            StoreUnavailable: The database could not take one of them.
        """
        await self._written()
        self._handed_over.raise_failure()

    def require_written(self, _connection: Connection) -> None:
        """Pass when all that was handed over before is written, or is with this transaction.

        A part of a later job, in place of waiting for the writes first.

        Raises:
            WritesLost: Some of it is not.
        """
        for batch in tuple(self._batches):  # what is left of a graph may still add to it
            if batch.failure is not None:
                raise WritesLost(batch.failure)

    @override
    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        if self._fresh:
            return None
        self._settle_blocking()
        return self._database.read_blocking(partial(_get, self.serde, config))

    @override
    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        if self._fresh:
            return None
        await self._written()
        return await self._database.read(partial(_get, self.serde, config))

    @override
    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        job = partial(_list, self.serde, config, filter, before, limit)
        self._settle_blocking()
        return iter(self._database.read_blocking(job))

    @override
    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        job = partial(_list, self.serde, config, filter, before, limit)
        await self._written()
        for checkpoint in await self._database.read(job):
            yield checkpoint

    @override
    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        row = self._pack(config, checkpoint, metadata, new_versions)
        started = time.perf_counter()
        self._write_blocking(row)
        self._observer.checkpoint_written(time.perf_counter() - started, row.size)
        return row.place.config

    @override
    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        row = self._pack(config, checkpoint, metadata, new_versions)
        started = time.perf_counter()

        def written(done: asyncio.Future[None]) -> None:
            if not done.cancelled() and done.exception() is None:
                self._observer.checkpoint_written(time.perf_counter() - started, row.size)

        writing = self._hand_over(row)
        writing.add_done_callback(written)
        await self._handed_over.add(writing)
        return row.place.config

    @override
    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        self._write_blocking(self._task_writes(config, writes, task_id, task_path))

    @override
    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        written = self._task_writes(config, writes, task_id, task_path)
        await self._handed_over.add(self._hand_over(written))

    @override
    def delete_thread(self, thread_id: str) -> None:
        raise NotAllowed("A graph cannot delete a thread; use the server's API.")

    @override
    async def adelete_thread(self, thread_id: str) -> None:
        self.delete_thread(thread_id)

    @override
    def get_next_version(self, current: str | None, channel: None) -> str:
        # A number that sorts as text, and a random tail that tells forks apart.
        number = int(current.partition(".")[0]) if current is not None else 0
        return f"{number + 1:032}.{random.random():016}"  # noqa: S311  no secret

    def _pack(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> PackedCheckpoint:
        row = self._tables.pack(
            self.serde, NewCheckpoint(config, checkpoint, metadata, new_versions)
        )
        self._fresh = False
        self.head.put(row.place, checkpoint, metadata)
        return row

    def _hand_over(self, write: NewRows) -> asyncio.Future[None]:
        """Put the write into the batch that waits, else into a new one; return what it comes to."""
        if self._writing is None or not self._batch.add(write):
            batch = self._batch = FencedBatch(self._fence)
            batch.add(write)
            while self._batches and self._batches[0].done and self._batches[0].failure is None:
                self._batches.popleft()
            self._batches.append(batch)
            self._writing = self._database.begin_write(
                batch, urgent=self._durable, settled=batch.settled
            )
            self._writing.add_done_callback(partial(self._count_refused, batch))
        return self._writing

    async def _written(self) -> None:
        """Return when nothing that was handed over is on its way any more."""
        if self._handed_over.waiting:
            with suppress(OutriggerError):  # what failed is remembered
                await self._database.write(_nothing)  # urgent: it hurries those before it
            await self._handed_over.written()

    def _count_refused(self, batch: FencedBatch, done: asyncio.Future[None]) -> None:
        if not done.cancelled() and isinstance(done.exception(), FencedWrite):
            for _ in range(batch.size):
                self._observer.write_refused("checkpoint")

    def _settle_blocking(self) -> None:
        if self._handed_over.waiting:
            self._database.write_blocking(_nothing)  # done after all that was handed over

    def _write_blocking(self, write: NewRows) -> None:
        self._writing = None  # what is handed over from now on comes after this
        batch = FencedBatch(self._fence)
        batch.add(write)
        try:
            self._database.write_blocking(batch)
        except FencedWrite:
            self._observer.write_refused("checkpoint")
            raise

    def _task_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str,
    ) -> TaskWrites:
        place = config["configurable"]
        namespace = str(place.get("checkpoint_ns", ""))
        self.head.put_writes(str(place["checkpoint_id"]), namespace, task_id, writes)
        return task_writes(self.serde, config, writes, task_id, task_path)


def task_writes(
    serde: Any,
    config: RunnableConfig,
    writes: Sequence[tuple[str, Any]],
    task_id: str,
    task_path: str,
) -> TaskWrites:
    """What a task wrote, as rows."""
    place = config["configurable"]
    key = (
        str(place["thread_id"]),
        str(place.get("checkpoint_ns", "")),
        str(place["checkpoint_id"]),
        task_id,
    )
    rows = [
        WriteRow(
            key,
            task_path,
            WRITES_IDX_MAP.get(channel, index),
            channel,
            *serde.dumps_typed(value),
        )
        for index, (channel, value) in enumerate(writes)
    ]
    return TaskWrites(rows, all(channel in WRITES_IDX_MAP for channel, _ in writes))


def _get(serde: Any, config: RunnableConfig, connection: Connection) -> CheckpointTuple | None:
    return checkpoint_tables(connection).reader(connection, serde).get_tuple(config)


def _list(
    serde: Any,
    config: RunnableConfig | None,
    filter: Mapping[str, Any] | None,  # noqa: A002  langgraph's own name for it
    before: RunnableConfig | None,
    limit: int | None,
    connection: Connection,
) -> list[CheckpointTuple]:
    wanted = dict(filter) if filter is not None else None
    reader = checkpoint_tables(connection).reader(connection, serde)
    return [*reader.list(config, filter=wanted, before=before, limit=limit)]
