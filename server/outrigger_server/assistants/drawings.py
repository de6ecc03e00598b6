"""What an assistant's graph looks like: its drawing, its schemas, its subgraphs.

A graph's factory is the user's code, so all of this runs on threads that nothing waits for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from langchain_core.runnables import RunnableConfig
from sqlalchemy import Connection

from outrigger_server.domain.assistant import Assistant
from outrigger_server.errors import GraphFailed, OutriggerError
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.graphs.schemas import graph_drawing, graph_schemas, subgraph_schemas
from outrigger_server.graphs.source import Graph
from outrigger_server.stores.base import Database

Shown = TypeVar("Shown")


class AssistantDrawings:
    """Shows graphs as an assistant's configuration makes them."""

    def __init__(self, database: Database, registry: GraphRegistry) -> None:
        self._database = database
        self._registry = registry

    async def graph(self, assistant: Assistant, *, xray: bool | int) -> dict[str, Any]:
        """The nodes and edges; `xray` opens subgraphs, a number down to that depth.

        Raises:
            GraphFailed: The graph could not be made or drawn.
        """
        return await self._show(assistant, lambda graph: graph_drawing(graph, xray=xray))

    async def schemas(self, assistant: Assistant) -> dict[str, Any]:
        """JSON schemas of what the graph takes and gives.

        Raises:
            GraphFailed: The graph could not be made.
        """
        graph_id = assistant.graph_id
        return await self._show(assistant, lambda graph: graph_schemas(graph, graph_id=graph_id))

    async def subgraphs(
        self, assistant: Assistant, *, namespace: str | None, recurse: bool
    ) -> dict[str, Any]:
        """The schemas of the subgraphs, by namespace; of one, or of those within too.

        Raises:
            GraphFailed: The graph could not be made.
        """

        def show(graph: Graph) -> dict[str, Any]:
            return subgraph_schemas(graph, namespace=namespace, recurse=recurse)

        return await self._show(assistant, show)

    async def _show(self, assistant: Assistant, show: Callable[[Graph], Shown]) -> Shown:
        source = self._registry.source(assistant.graph_id)
        config = cast("RunnableConfig", assistant.config)

        def read(_connection: Connection) -> Shown:
            with (
                _users_code(),
                source.open_blocking(config, checkpointer=None, store=None) as graph,
            ):
                return show(graph)

        return await self._database.read_with_graph(read)


@contextmanager
def _users_code() -> Iterator[None]:
    """Turn what a graph raises into `GraphFailed`."""
    try:
        yield
    except OutriggerError:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise GraphFailed(type(error).__name__, str(error)) from error
