"""Makes threads: empty, or with a first state; once for an idempotency key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import EmptyInputError, InvalidUpdateError
from langgraph.types import StateUpdate
from sqlalchemy import Connection
from typing_extensions import override

from outrigger_server.domain.clock import Clock
from outrigger_server.domain.idempotency import IdempotencyKey
from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import Thread, ThreadOutcome, Ttl
from outrigger_server.errors import BadState, Gone, GraphFailed, InvalidRequest, OutriggerError
from outrigger_server.graphs.loop import GraphLoop
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.graphs.source import GraphSource
from outrigger_server.stores.base import Database, Job
from outrigger_server.stores.checkpoint_rows import put_rows
from outrigger_server.stores.checkpoint_tables.base import CheckpointTables, NewCheckpoint
from outrigger_server.stores.checkpoints import task_writes
from outrigger_server.stores.fence import HoldFence, WriteObserver
from outrigger_server.stores.idempotency_keys import claim_key
from outrigger_server.stores.items import FencedStore, ItemRules
from outrigger_server.stores.run_rows import settle_thread
from outrigger_server.stores.threads import create_thread, find_thread, get_thread
from outrigger_server.threads.snapshots import outcome_of, place_of

THREAD_GONE = (
    "Idempotency-Key: the thread that this key created was deleted; nothing was created now. "
    "Send a new key to create another one."
)
NO_GRAPH = "supersteps: give metadata.graph_id, the graph whose state they make"

Supersteps = Sequence[Sequence[StateUpdate]]


@dataclass(frozen=True, slots=True)
class NewThread:
    """A thread as the caller asked for it."""

    thread_id: ThreadId
    metadata: dict[str, Any]
    ttl: Ttl | None = None
    supersteps: Supersteps = ()


@dataclass(frozen=True, slots=True)
class ThreadCreator:
    """Makes threads."""

    database: Database
    registry: GraphRegistry
    graph_loop: GraphLoop
    clock: Clock
    observer: WriteObserver
    default_ttl: Ttl | None = None
    item_rules: ItemRules | None = None

    async def create(self, new: NewThread, key: IdempotencyKey | None) -> Thread:
        """Add an idle thread; with supersteps its history is what they come to.

        Nothing is stored when anything is wrong with them. With a `key` the thread that the
        key has added before is found, as it is now.

        Raises:
            AlreadyExists: There is one with this id, which another request added.
            Gone: The thread that the key added is not there any more.
            InvalidRequest: The key came with another body before, or no graph is named.
            NotFound: There is no such graph.
            BadState: The supersteps do not fit the graph.
            GraphFailed: A reducer or branch of the graph raised.
        """
        first = await self._first_state(new) if new.supersteps else None
        wanted = replace(new, ttl=new.ttl or self.default_ttl)
        job = partial(create_thread_once, key=key, new=wanted, first=first, now=self.clock.now())
        return await self.database.write(job)

    async def _first_state(self, new: NewThread) -> "FirstState":
        graph_id = new.metadata.get("graph_id")
        if not isinstance(graph_id, str):
            raise InvalidRequest(NO_GRAPH)
        source = self.registry.source(graph_id)
        return await self.graph_loop.call(f"create:{new.thread_id}", self._build(source, new))

    async def _build(self, source: GraphSource, new: NewThread) -> "FirstState":
        config = place_of(new.thread_id)
        config["metadata"] = {"graph_id": source.graph_id}
        saver = RecordingSaver(new.thread_id, self.database.checkpoint_tables)
        store = FencedStore(self.database, None, self.observer, self.item_rules)
        try:
            async with source.open(config, checkpointer=saver, store=store) as graph:
                await graph.abulk_update_state(config, new.supersteps)
                outcome = outcome_of(await graph.aget_state(config))
        except (InvalidUpdateError, EmptyInputError) as error:
            raise BadState(str(error)) from error
        except OutriggerError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise GraphFailed(type(error).__name__, str(error)) from error
        return FirstState(tuple(saver.jobs), outcome)


@dataclass(frozen=True, slots=True)
class FirstState:
    """The history that a thread begins with."""

    jobs: Sequence[Job[None]]
    outcome: ThreadOutcome

    def write(self, connection: Connection, thread_id: ThreadId, now: int) -> None:
        """Put it into the caller's transaction."""
        for job in self.jobs:
            job(connection)
        settle_thread(connection, thread_id, self.outcome, now)


def create_thread_once(
    connection: Connection,
    key: IdempotencyKey | None,
    new: NewThread,
    first: FirstState | None,
    now: int,
) -> Thread:
    """Add the thread with its first state, or find the one that the key has added before.

    Raises:
        AlreadyExists: There is one with this id, which another request added.
        Gone: The thread that the key added is not there any more.
        InvalidRequest: The key came with another body before.
    """
    known = None if key is None else claim_key(connection, key, new.thread_id, now)
    if known is not None:
        thread = find_thread(connection, ThreadId(known))
        if thread is None:
            raise Gone(THREAD_GONE)
        return thread
    thread = create_thread(connection, new.thread_id, new.metadata, now, new.ttl)
    if first is None:
        return thread
    first.write(connection, new.thread_id, now)
    return get_thread(connection, new.thread_id)


class RecordingSaver(InMemorySaver):
    """Keeps a new thread's checkpoints in memory, and the jobs that would store them."""

    def __init__(self, thread_id: ThreadId, tables: CheckpointTables) -> None:
        super().__init__()
        self._tables = tables
        self._nobody = HoldFence(thread_id, "")
        self.jobs: list[Callable[[Connection], None]] = []

    @override
    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        new = NewCheckpoint(config, checkpoint, metadata, new_versions)
        row = self._tables.pack(self.serde, new)
        self.jobs.append(partial(put_rows, fence=self._nobody, new=[row]))
        return await super().aput(config, checkpoint, metadata, new_versions)

    @override
    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        written = task_writes(self.serde, config, writes, task_id, task_path)
        self.jobs.append(partial(put_rows, fence=self._nobody, new=[written]))
        await super().aput_writes(config, writes, task_id, task_path)
