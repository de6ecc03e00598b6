"""A thread's state: the head of its history or any other checkpoint, and the history.

Reads run on a reading thread over one snapshot of the database, so a slow graph never
holds up the server's loop. Changes are in `changes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import Thread
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.graphs.source import GraphSource
from outrigger_server.stores.base import Database
from outrigger_server.stores.threads import get_thread
from outrigger_server.threads.snapshots import (
    EMPTY_STATE,
    place_of,
    read_snapshot,
    reading,
    to_json,
    users_code,
)


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which checkpoints of the history are wanted, newest first.

    With a `namespace` they are those of a subgraph on the thread.
    """

    limit: int
    before: str | None = None
    metadata: Mapping[str, Any] | None = None
    checkpoint_id: str | None = None
    namespace: str = ""


class ThreadStates:
    """Reads the states of threads."""

    def __init__(self, database: Database, registry: GraphRegistry) -> None:
        self._database = database
        self._registry = registry

    async def get(
        self,
        thread_id: ThreadId,
        *,
        checkpoint_id: str | None = None,
        namespace: str = "",
        subgraphs: bool = False,
    ) -> dict[str, Any]:
        """The state at the head, or at a checkpoint, as the protocol shows it.

        Raises:
            NotFound: There is no such thread.
            GraphFailed: The graph could not be made, or it has no such subgraph.
        """
        config = place_of(thread_id, checkpoint_id, namespace)

        def read(connection: Connection) -> dict[str, Any]:
            source = source_of(self._registry, get_thread(connection, thread_id))
            if source is None:
                return dict(EMPTY_STATE)
            return to_json(read_snapshot(source, config, connection, subgraphs=subgraphs))

        return await self._database.read_with_graph(read)

    async def history(self, thread_id: ThreadId, query: HistoryQuery) -> list[dict[str, Any]]:
        """The states the thread went through, newest first.

        Raises:
            NotFound: There is no such thread.
            GraphFailed: The graph could not be made, or it has no such subgraph.
        """
        config = place_of(thread_id, query.checkpoint_id, query.namespace)
        before = None
        if query.before is not None:
            before = place_of(thread_id, query.before, query.namespace)
        wanted = dict(query.metadata or {})
        # It is not stored, for a copy's checkpoints are the same: all of them are on the thread.
        elsewhere = wanted.pop("thread_id", thread_id) != thread_id

        def read(connection: Connection) -> list[dict[str, Any]]:
            source = source_of(self._registry, get_thread(connection, thread_id))
            if source is None or elsewhere:
                return []
            with users_code(), reading(source, config, connection) as graph:
                states = graph.get_state_history(
                    config, filter=wanted or None, before=before, limit=query.limit
                )
                return [to_json(state) for state in states]

        return await self._database.read_with_graph(read)


def source_of(registry: GraphRegistry, thread: Thread) -> GraphSource | None:
    """The graph that the thread's checkpoints belong to; None when no run has said it yet."""
    graph_id = thread.metadata.get("graph_id")
    if not isinstance(graph_id, str) or graph_id not in registry:
        return None
    return registry.source(graph_id)
