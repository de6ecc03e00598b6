"""Checkpoint savers: one that writes behind a fence, and one that only reads.

Rows keep the format of langgraph's SQLite saver, which does the reading. Every attempt
gets a saver of its own, which carries the attempt's fence.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.sqlite import SqliteSaver
from sqlalchemy import Connection
from typing_extensions import override

from outrigger_server.errors import FencedWrite, NotAllowed
from outrigger_server.stores.base import Database, Job, Result
from outrigger_server.stores.dialect import driver_of
from outrigger_server.stores.fence import Fence


class WriteObserver(Protocol):
    """Is told about writes, for the metrics."""

    def checkpoint_written(self, seconds: float, size: int) -> None:
        """A checkpoint of `size` bytes reached the disk after `seconds`."""
        ...

    def write_refused(self, kind: str) -> None:
        """The fence refused a write; `kind` is checkpoint or store."""
        ...


HANDED_OVER_LIMIT = 32
"""Writes of one attempt that may wait for the disk before its graph must wait too."""


class _HandedOver:
    """Writes on their way, oldest first; remembers the first that failed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._writing: deque[asyncio.Future[None]] = deque()
        self._failure: BaseException | None = None

    @property
    def waiting(self) -> bool:
        return bool(self._writing)

    async def add(self, writing: asyncio.Future[None]) -> None:
        """Take a write in; wait for the oldest while there are more than the limit."""
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


def _nothing(_connection: Connection) -> None:
    """Write nothing: a job that only marks a place in the order of jobs."""


class ReadingSaver(BaseCheckpointSaver[str]):
    """Reads the checkpoints of one connection; for jobs that run on a reading thread."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def _reader(self) -> SqliteSaver:
        return _reader(self._connection, self.serde)

    @override
    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return self._reader().get_tuple(config)

    @override
    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        return self._reader().list(config, filter=filter, before=before, limit=limit)


class FencedSaver(BaseCheckpointSaver[str]):
    """Reads and writes checkpoints; every write passes the fence or raises `FencedWrite`.

    With `durable` an awaited write is on disk. Without, it is handed over in order and the
    graph goes on at once, so not even a node that blocks the loop holds it up; what became
    of it is raised by the next write, or by `settle`. Reads see every earlier write. Safe
    on any loop and, with the blocking methods, in any thread that runs no loop.
    """

    def __init__(
        self,
        database: Database,
        fence: Fence,
        observer: WriteObserver,
        *,
        durable: bool = True,
    ) -> None:
        super().__init__()
        self._database = database
        self._fence = fence
        self._observer = observer
        self._handed_over = _HandedOver(0 if durable else HANDED_OVER_LIMIT)

    async def settle(self) -> None:
        """Return when every write is on disk.

        Raises:
            FencedWrite: The fence refused one of them.
            StoreUnavailable: The database could not take one of them.
        """
        await self._handed_over.written()
        self._handed_over.raise_failure()

    @override
    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        self._settle_blocking()
        return self._database.read_blocking(partial(_get, self.serde, config))

    @override
    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        await self._handed_over.written()
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
        await self._handed_over.written()
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
        row = self._row(config, checkpoint, metadata)
        started = time.perf_counter()
        self._counted_blocking(partial(_put, self._fence, row))
        self._observer.checkpoint_written(time.perf_counter() - started, row.size)
        return row.config

    @override
    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        row = self._row(config, checkpoint, metadata)
        started = time.perf_counter()

        def written(done: asyncio.Future[None]) -> None:
            if not done.cancelled() and done.exception() is None:
                self._observer.checkpoint_written(time.perf_counter() - started, row.size)

        writing = self._begin(partial(_put, self._fence, row))
        writing.add_done_callback(written)
        await self._handed_over.add(writing)
        return row.config

    @override
    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        job = self._writes_job(config, writes, task_id, task_path)
        self._counted_blocking(job)

    @override
    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        job = self._writes_job(config, writes, task_id, task_path)
        await self._handed_over.add(self._begin(job))

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

    def _begin(self, job: Job[None]) -> asyncio.Future[None]:
        writing = self._database.begin_write(job)
        writing.add_done_callback(self._count_refused)
        return writing

    def _count_refused(self, done: asyncio.Future[None]) -> None:
        if not done.cancelled() and isinstance(done.exception(), FencedWrite):
            self._observer.write_refused("checkpoint")

    def _settle_blocking(self) -> None:
        if self._handed_over.waiting:
            self._database.write_blocking(_nothing)  # done after all that was handed over

    def _counted_blocking(self, job: Job[Result]) -> Result:
        try:
            return self._database.write_blocking(job)
        except FencedWrite:
            self._observer.write_refused("checkpoint")
            raise

    def _row(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata
    ) -> "_CheckpointRow":
        place = config["configurable"]
        kind, blob = self.serde.dumps_typed(checkpoint)
        return _CheckpointRow(
            thread_id=str(place["thread_id"]),
            namespace=place.get("checkpoint_ns", ""),
            checkpoint_id=checkpoint["id"],
            parent_id=place.get("checkpoint_id"),
            kind=kind,
            blob=blob,
            metadata=orjson.dumps(
                get_checkpoint_metadata(config, metadata), default=str, option=_METADATA_OPTIONS
            ),
        )

    def _writes_job(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str,
    ) -> Job[None]:
        place = config["configurable"]
        key = (
            str(place["thread_id"]),
            str(place.get("checkpoint_ns", "")),
            str(place["checkpoint_id"]),
            task_id,
        )
        replace = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        rows = [
            _WriteRow(
                key,
                task_path,
                WRITES_IDX_MAP.get(channel, index),
                channel,
                *self.serde.dumps_typed(value),
            )
            for index, (channel, value) in enumerate(writes)
        ]
        return partial(_put_writes, self._fence, rows, replace=replace)


_METADATA_OPTIONS = orjson.OPT_NON_STR_KEYS


@dataclass(frozen=True, slots=True)
class _CheckpointRow:
    thread_id: str
    namespace: str
    checkpoint_id: str
    parent_id: str | None
    kind: str
    blob: bytes
    metadata: bytes

    @property
    def size(self) -> int:
        return len(self.blob) + len(self.metadata)

    @property
    def config(self) -> RunnableConfig:
        return {
            "configurable": {
                "thread_id": self.thread_id,
                "checkpoint_ns": self.namespace,
                "checkpoint_id": self.checkpoint_id,
            }
        }


@dataclass(frozen=True, slots=True)
class _WriteRow:
    key: tuple[str, str, str, str]
    task_path: str
    index: int
    channel: str
    kind: str
    blob: bytes


def _reader(connection: Connection, serde: Any) -> SqliteSaver:
    saver = SqliteSaver(driver_of(connection), serde=serde)
    saver.is_setup = True  # the migrations made its tables
    return saver


def _get(serde: Any, config: RunnableConfig, connection: Connection) -> CheckpointTuple | None:
    return _reader(connection, serde).get_tuple(config)


def _list(
    serde: Any,
    config: RunnableConfig | None,
    filter: Mapping[str, Any] | None,  # noqa: A002  langgraph's own name for it
    before: RunnableConfig | None,
    limit: int | None,
    connection: Connection,
) -> list[CheckpointTuple]:
    wanted = dict(filter) if filter is not None else None
    return [*_reader(connection, serde).list(config, filter=wanted, before=before, limit=limit)]


def _put(fence: Fence, row: _CheckpointRow, connection: Connection) -> None:
    fence.check(connection)
    driver_of(connection).execute(
        "INSERT OR REPLACE INTO checkpoints "  # noqa: S608  our own text
        "(thread_id, checkpoint_ns, checkpoint_id, "
        "parent_checkpoint_id, type, checkpoint, metadata, run_id, attempt) "
        f"VALUES (?, ?, ?, {_PARENT}, ?, ?, ?, ?, ?)",
        (
            row.thread_id,
            row.namespace,
            row.checkpoint_id,
            *_parent_parameters(row),
            row.kind,
            row.blob,
            row.metadata,
            fence.run_id,
            fence.attempt,
        ),
    )


# The parent it had, or, when that run was deleted meanwhile, the newest one left before it.
_PARENT = (
    "CASE WHEN ? IS NULL THEN NULL ELSE coalesce("
    "(SELECT checkpoint_id FROM checkpoints "
    "WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?), "
    "(SELECT max(checkpoint_id) FROM checkpoints "
    "WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id < ?)) END"
)


def _parent_parameters(row: _CheckpointRow) -> tuple[str | None, ...]:
    place = (row.thread_id, row.namespace)
    return (row.parent_id, *place, row.parent_id, *place, row.checkpoint_id)


_KEY = "thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ? AND task_id = ? AND idx = ?"
_KEPT = (
    "thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value, "
    "run_id, attempt"
)


def _put_writes(
    fence: Fence,
    rows: Sequence[_WriteRow],
    connection: Connection,
    *,
    replace: bool,
) -> None:
    fence.check(connection)
    driver = driver_of(connection)
    verb = "REPLACE" if replace else "IGNORE"
    for row in rows:
        if replace and fence.run_id is not None:
            # An earlier run's write (its interrupt, say) goes aside as long as this run is
            # there: a rollback puts it back.
            driver.execute(
                f"INSERT OR IGNORE INTO writes_kept ({_KEPT}, replaced_by) "  # noqa: S608
                f"SELECT {_KEPT}, ? FROM writes WHERE {_KEY} "
                "AND (run_id IS NULL OR run_id <> ?)",
                (fence.run_id, *row.key, row.index, fence.run_id),
            )
        driver.execute(
            f"INSERT OR {verb} INTO writes ({_KEPT}) "  # noqa: S608  our own column names
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *row.key,
                row.task_path,
                row.index,
                row.channel,
                row.kind,
                row.blob,
                fence.run_id,
                fence.attempt,
            ),
        )
