"""JSON schemas and drawings of a graph, in the form that `/assistants/{id}/…` answers.

All of it may run code of the user's types, and takes milliseconds: not for the server's loop.
"""

from collections.abc import Callable
from typing import Any

from langgraph.pregel import Pregel
from pydantic.errors import PydanticUserError

from outrigger_server.graphs.source import Graph

Schema = dict[str, Any]

# What pydantic and the users' types raise when no schema can be made of a type.
_NO_SCHEMA = (PydanticUserError, TypeError, ValueError, NameError, LookupError, AttributeError)


def graph_schemas(graph: Graph, *, graph_id: str) -> dict[str, Any]:
    """Describe what the graph takes, gives and keeps; None where no schema can be made."""
    context = _try(graph.get_context_jsonschema)
    return {
        "graph_id": graph_id,
        "input_schema": _try(graph.get_input_jsonschema),
        "output_schema": _try(graph.get_output_jsonschema),
        "state_schema": _try(lambda: _state_schema(graph)),
        # Since LangGraph 1.0 what may be configured is the context.
        "config_schema": context or {},
        "context_schema": context,
    }


def subgraph_schemas(
    graph: Graph, *, namespace: str | None, recurse: bool
) -> dict[str, dict[str, Any]]:
    """The same of the graph's subgraphs, by namespace; empty when there is none there."""
    found: dict[str, dict[str, Any]] = {}
    for name, subgraph in graph.get_subgraphs(namespace=namespace, recurse=recurse):
        if isinstance(subgraph, Pregel):
            described = graph_schemas(subgraph, graph_id=name)
            del described["graph_id"]
            found[name] = described
    return found


def graph_drawing(graph: Graph, *, xray: bool | int) -> dict[str, Any]:
    """The graph's nodes and edges."""
    drawn: dict[str, Any] = graph.get_graph(xray=xray).to_json()
    for node in drawn["nodes"]:
        data = node.get("data")
        if isinstance(data, dict):
            data.pop("id", None)  # where the class of the node is defined: nobody's business
    return drawn


def _try(make: Callable[[], Schema | None]) -> Schema | None:
    try:
        return make()
    except _NO_SCHEMA:
        return None


def _state_schema(graph: Graph) -> Schema:
    """Describe all channels as if a graph put them out; LangGraph has no method for the state."""
    whole: Graph = Pregel(
        nodes={},
        channels=dict(graph.channels),
        input_channels=graph.input_channels,
        output_channels=graph.stream_channels_list,
        auto_validate=False,
    )
    return {**whole.get_output_jsonschema(), "title": graph.get_name("State")}
