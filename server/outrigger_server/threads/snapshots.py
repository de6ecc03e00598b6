"""What LangGraph makes of a thread's checkpoints: read with its graph, shown as JSON.

Reading blocks and runs users' code: it belongs on a reading thread or the graph loop.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.channels import DeltaChannel
from langgraph.pregel import Pregel
from langgraph.types import Interrupt, PregelTask, StateSnapshot
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import ThreadOutcome
from outrigger_server.errors import GraphFailed, OutriggerError
from outrigger_server.graphs.checkpoint_frames import checkpoint_of
from outrigger_server.graphs.encoding import encode
from outrigger_server.graphs.source import GraphSource
from outrigger_server.stores.checkpoints import FencedSaver, ReadingSaver
from outrigger_server.stores.dialect import translated
from outrigger_server.stores.own_head import HeadSaver

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


def place_of(
    thread_id: ThreadId, checkpoint_id: str | None = None, namespace: str = ""
) -> RunnableConfig:
    """The configuration that points LangGraph at a thread's head or checkpoint.

    With a `namespace` it is that of a subgraph on the thread.
    """
    place = {"thread_id": thread_id, "checkpoint_ns": namespace}
    if checkpoint_id is not None:
        place["checkpoint_id"] = checkpoint_id
    return {"configurable": place}


def reading(source: GraphSource, config: RunnableConfig, connection: Connection) -> Any:
    """The graph, as a context manager, over the checkpoints that the connection sees."""
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
    with users_code(), reading(source, config, connection) as graph:
        return graph.get_state(config, subgraphs=subgraphs)


@contextmanager
def users_code() -> Iterator[None]:
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
    with users_code():
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
        "metadata": _metadata(snapshot),
        "created_at": snapshot.created_at,
        "checkpoint": checkpoint,
        "parent_checkpoint": parent,
        "interrupts": [_interrupt(each) for each in snapshot.interrupts],
        "checkpoint_id": checkpoint and checkpoint["checkpoint_id"],
        "parent_checkpoint_id": parent and parent["checkpoint_id"],
    }


def _metadata(snapshot: StateSnapshot) -> dict[str, Any] | None:
    """The checkpoint's metadata, which names the thread it is on now: a copy has another."""
    if snapshot.metadata is None:
        return None
    return {**snapshot.metadata, "thread_id": snapshot.config["configurable"]["thread_id"]}


def _checkpoint(config: RunnableConfig | None) -> dict[str, Any] | None:
    place = checkpoint_of(config)
    return place if place is not None and "checkpoint_id" in place else None


def _task(task: PregelTask) -> dict[str, Any]:
    state = task.state
    nested = to_json(state) if isinstance(state, StateSnapshot) else None
    return {
        "id": task.id,
        "name": task.name,
        "path": list(task.path),
        "error": str(task.error) if task.error else None,
        "interrupts": [_interrupt(each) for each in task.interrupts],
        "checkpoint": checkpoint_of(state) if isinstance(state, dict) else None,
        "state": nested,
        "result": orjson.Fragment(encode(task.result)),
    }


def _interrupt(interrupt: Interrupt) -> dict[str, Any]:
    return {"id": interrupt.id, "value": orjson.Fragment(encode(interrupt.value))}
