"""A thread's state: the head of its history or any other checkpoint, read and changed.

Reads run on a reading thread over one snapshot of the database, so a slow graph never
holds up the server's loop. Changes hold the thread, so no run starts meanwhile.
"""

import asyncio
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.channels import DeltaChannel
from langgraph.errors import EmptyInputError, InvalidUpdateError
from langgraph.pregel import Pregel
from langgraph.types import Interrupt, PregelTask, StateSnapshot
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from outrigger_server.brokers.base import Wakeups
from outrigger_server.domain.clock import MICROSECONDS, Clock
from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import Thread, ThreadOutcome
from outrigger_server.errors import BadState, GraphFailed, NotFound, OutriggerError, Unavailable
from outrigger_server.graphs.encoding import encode
from outrigger_server.graphs.loop import GraphLoop
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.graphs.source import GraphSource
from outrigger_server.stores.base import Database
from outrigger_server.stores.checkpoints import FencedSaver, ReadingSaver
from outrigger_server.stores.deferred import DeferredWrites
from outrigger_server.stores.dialect import translated
from outrigger_server.stores.fence import HoldFence, WriteObserver
from outrigger_server.stores.items import FencedStore
from outrigger_server.stores.own_head import HeadSaver
from outrigger_server.stores.threads import (
    get_thread,
    hold_quiet_thread,
    hold_thread,
    release_thread,
)
from outrigger_telemetry.logging import get_logger

RETRY_SECONDS = 1.0

HOLD_SECONDS = 60
"""When another process may end a hold that was not released; only a lost one takes as long."""

log = get_logger("outrigger.threads")

EMPTY_STATE: Mapping[str, Any] = {
    "values": {},
    "next": [],
    "tasks": [],
    "metadata": None,
    "created_at": None,
    "checkpoint": None,
    "parent_checkpoint": None,
    "interrupts": [],
    "checkpoint_id": None,
    "parent_checkpoint_id": None,
}
"""What a thread without a checkpoint shows."""


@dataclass(frozen=True, slots=True)
class StateUpdate:
    """A change of a thread's state from outside a run."""

    values: Any
    as_node: str | None = None
    checkpoint_id: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which checkpoints of the history are wanted, newest first."""

    limit: int
    before: str | None = None
    metadata: Mapping[str, Any] | None = None
    checkpoint_id: str | None = None


class ThreadStates:
    """Reads and changes the states of threads."""

    def __init__(
        self,
        database: Database,
        registry: GraphRegistry,
        graph_loop: GraphLoop,
        clock: Clock,
        observer: WriteObserver,
        wakeups: Wakeups,
    ) -> None:
        self._database = database
        self._registry = registry
        self._graph_loop = graph_loop
        self._clock = clock
        self._observer = observer
        self._wakeups = wakeups

    async def get(
        self, thread_id: ThreadId, *, checkpoint_id: str | None = None, subgraphs: bool = False
    ) -> dict[str, Any]:
        """The state at the head, or at a checkpoint, as the protocol shows it.

        Raises:
            NotFound: There is no such thread.
        """
        config = place_of(thread_id, checkpoint_id)

        def read(connection: Connection) -> dict[str, Any]:
            source = self._source(get_thread(connection, thread_id))
            if source is None:
                return dict(EMPTY_STATE)
            return to_json(read_snapshot(source, config, connection, subgraphs=subgraphs))

        return await self._database.read_with_graph(read)

    async def history(self, thread_id: ThreadId, query: HistoryQuery) -> list[dict[str, Any]]:
        """The states the thread went through, newest first.

        Raises:
            NotFound: There is no such thread.
        """
        config = place_of(thread_id, query.checkpoint_id)
        before = place_of(thread_id, query.before) if query.before is not None else None
        wanted = dict(query.metadata) if query.metadata else None

        def read(connection: Connection) -> list[dict[str, Any]]:
            source = self._source(get_thread(connection, thread_id))
            if source is None:
                return []
            with _users_code(), _reading(source, config, connection) as graph:
                states = graph.get_state_history(
                    config, filter=wanted, before=before, limit=query.limit
                )
                return [to_json(state) for state in states]

        return await self._database.read_with_graph(read)

    async def update(self, thread_id: ThreadId, change: StateUpdate) -> RunnableConfig:
        """Write a checkpoint with the change and return where it stands.

        Raises:
            NotFound: There is no such thread.
            ThreadBusy: A run is in flight.
            BadState: The thread has no graph yet, or the change does not fit it.
            GraphFailed: A reducer or branch of the graph raised.
        """
        thread = await self._database.read(partial(get_thread, thread_id=thread_id))
        source = self._source(thread)
        if source is None:
            raise BadState(
                f"Thread '{thread_id}' has no assigned graph ID. Run a graph on it first, or "
                "create it with metadata.graph_id."
            )
        token = str(uuid.uuid4())
        await self._database.write(
            partial(
                hold_thread,
                thread_id=thread_id,
                token=token,
                checkpoint_id=change.checkpoint_id,
                until=self._hold_until(),
            )
        )
        outcome: ThreadOutcome | None = None
        try:
            config = await self._graph_loop.call(
                f"update:{token}", self._update(source, thread_id, token, change)
            )
            outcome = await self._database.read_with_graph(partial(read_outcome, source, thread_id))
        finally:
            await self._release(thread_id, token, outcome)
        return config

    async def follow_head(self, thread_id: ThreadId) -> None:
        """Write the thread's values anew when its history was changed behind it.

        Does nothing while a run is under way, whose end writes them, and leaves the row as
        it is when the thread or its graph is gone or the graph cannot be made.
        """
        token = str(uuid.uuid4())
        if not await self._database.write(
            partial(hold_quiet_thread, thread_id=thread_id, token=token, until=self._hold_until())
        ):
            return
        outcome: ThreadOutcome | None = None
        try:
            thread = await self._database.read(partial(get_thread, thread_id=thread_id))
            source = self._source(thread)
            if source is not None:
                outcome = await self._database.read_with_graph(
                    partial(read_outcome, source, thread_id)
                )
        except (NotFound, GraphFailed) as error:
            log.warning("head_not_followed", thread_id=thread_id, reason=error.code)
        finally:
            await self._release(thread_id, token, outcome)

    def _hold_until(self) -> int:
        return self._clock.now() + HOLD_SECONDS * MICROSECONDS

    async def _release(
        self, thread_id: ThreadId, token: str, outcome: ThreadOutcome | None
    ) -> None:
        """End the hold, however long the database refuses that, and wake the workers."""
        job = partial(
            release_thread,
            thread_id=thread_id,
            token=token,
            outcome=outcome,
            now=self._clock.now(),
        )
        while True:
            try:
                await self._database.write(job)
            except Unavailable as error:
                log.warning("thread_stays_held", thread_id=thread_id, reason=error.code)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._wakeups.notify()
                return

    async def _update(
        self, source: GraphSource, thread_id: ThreadId, token: str, change: StateUpdate
    ) -> RunnableConfig:
        fence = HoldFence(thread_id, token)
        config = place_of(thread_id, change.checkpoint_id)
        writes = DeferredWrites(self._database)
        saver = FencedSaver(writes, fence, self._observer)
        store = FencedStore(self._database, fence, self._observer)
        try:
            async with source.open(config, checkpointer=saver, store=store) as graph:
                place = await graph.aupdate_state(config, change.values, as_node=change.as_node)
            await self._database.write(writes.apply)
        except (InvalidUpdateError, EmptyInputError) as error:
            raise BadState(str(error)) from error
        except OutriggerError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise GraphFailed(type(error).__name__, str(error)) from error
        return place

    def _source(self, thread: Thread) -> GraphSource | None:
        graph_id = thread.metadata.get("graph_id")
        if not isinstance(graph_id, str) or graph_id not in self._registry:
            return None
        return self._registry.source(graph_id)


def place_of(thread_id: ThreadId, checkpoint_id: str | None = None) -> RunnableConfig:
    """The configuration that points LangGraph at a thread's head or checkpoint."""
    place = {"thread_id": thread_id, "checkpoint_ns": ""}
    if checkpoint_id is not None:
        place["checkpoint_id"] = checkpoint_id
    return {"configurable": place}


def _reading(source: GraphSource, config: RunnableConfig, connection: Connection) -> Any:
    return source.open_blocking(config, checkpointer=ReadingSaver(connection), store=None)


def read_snapshot(
    source: GraphSource,
    config: RunnableConfig,
    connection: Connection,
    *,
    subgraphs: bool = False,
) -> StateSnapshot:
    """LangGraph's view of the state at `config`. Blocks; runs on a reading thread.

    Raises:
        GraphFailed: The graph could not be made, or its checkpoint not be read.
    """
    graph: Pregel[Any, Any, Any, Any]
    with _users_code(), _reading(source, config, connection) as graph:
        return graph.get_state(config, subgraphs=subgraphs)


@contextmanager
def _users_code() -> Iterator[None]:
    """Turn what a graph raises into `GraphFailed`; the database's errors pass."""
    try:
        yield
    except (OutriggerError, OperationalError, sqlite3.Error):
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        if translated(error) is not error:
            raise
        raise GraphFailed(type(error).__name__, str(error)) from error


def read_outcome(source: GraphSource, thread_id: ThreadId, connection: Connection) -> ThreadOutcome:
    """What the head of the thread's history is, for its row."""
    return outcome_of(read_snapshot(source, place_of(thread_id), connection))


def own_outcome(graph: Pregel[Any, Any, Any, Any], saver: FencedSaver) -> ThreadOutcome | None:
    """What the run that `graph` came to the end of leaves, without a look into the database.

    `graph` is of no use afterwards. None when only the database can tell: the run wrote no
    checkpoint, or some channel's value is spread over many.

    Raises:
        GraphFailed: The state cannot be shown.
    """
    head = saver.head.saved
    if head is None or any(isinstance(each, DeltaChannel) for each in graph.channels.values()):
        return None
    graph.checkpointer = HeadSaver(head)
    with _users_code():
        return outcome_of(graph.get_state(place_of(head.config["configurable"]["thread_id"])))


def read_committed(
    source: GraphSource, thread_id: ThreadId, connection: Connection
) -> StateSnapshot:
    """The newest checkpoint as it was written, without what unfinished tasks wrote since.

    LangGraph shows such writes at the head as if their step had been finished.

    Raises:
        GraphFailed: The graph could not be made, or its checkpoint not be read.
    """
    head = ReadingSaver(connection).get_tuple(place_of(thread_id))
    place = place_of(thread_id) if head is None else head.config
    return read_snapshot(source, place, connection)


def outcome_of(
    snapshot: StateSnapshot, *, error: dict[str, Any] | None = None, failed: bool = False
) -> ThreadOutcome:
    """What a state leaves on its thread's row."""
    interrupts = {
        task.id: [_interrupt(each) for each in task.interrupts]
        for task in snapshot.tasks
        if task.interrupts
    }
    return ThreadOutcome(
        values=encode(snapshot.values).decode(),
        interrupts=encode(interrupts).decode(),
        has_next=bool(snapshot.next),
        error=error,
        failed=failed,
    )


def to_json(snapshot: StateSnapshot) -> dict[str, Any]:
    """A state as the protocol shows it."""
    checkpoint = _checkpoint(snapshot.config)
    parent = _checkpoint(snapshot.parent_config)
    return {
        "values": orjson.Fragment(encode(snapshot.values)),
        "next": list(snapshot.next),
        "tasks": [_task(task) for task in snapshot.tasks],
        "metadata": snapshot.metadata,
        "created_at": snapshot.created_at,
        "checkpoint": checkpoint,
        "parent_checkpoint": parent,
        "interrupts": [_interrupt(each) for each in snapshot.interrupts],
        "checkpoint_id": checkpoint and checkpoint["checkpoint_id"],
        "parent_checkpoint_id": parent and parent["checkpoint_id"],
    }


def _checkpoint(config: RunnableConfig | None) -> dict[str, Any] | None:
    place = (config or {}).get("configurable") or {}
    if "checkpoint_id" not in place:
        return None
    return {
        "checkpoint_id": place["checkpoint_id"],
        "thread_id": place["thread_id"],
        "checkpoint_ns": place.get("checkpoint_ns", ""),
    }


def _task(task: PregelTask) -> dict[str, Any]:
    state = task.state
    nested = to_json(state) if isinstance(state, StateSnapshot) else None
    return {
        "id": task.id,
        "name": task.name,
        "path": list(task.path),
        "error": str(task.error) if task.error else None,
        "interrupts": [_interrupt(each) for each in task.interrupts],
        "checkpoint": _checkpoint(state) if isinstance(state, dict) else None,
        "state": nested,
        "result": orjson.Fragment(encode(task.result)),
    }


def _interrupt(interrupt: Interrupt) -> dict[str, Any]:
    return {"id": interrupt.id, "value": orjson.Fragment(encode(interrupt.value))}
