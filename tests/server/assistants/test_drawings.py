"""What a graph looks like, made by the user's code on a thread that nothing waits for."""

import operator
import threading
from typing import Annotated

import pytest
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from outrigger_server.assistants.drawings import AssistantDrawings
from outrigger_server.domain.assistant import Assistant
from outrigger_server.errors import GraphFailed
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.graphs.source import Factory, GraphSource


class Log(TypedDict):
    log: Annotated[list[str], operator.add]


def step(state):
    return {"log": ["step"]}


def nested(depth):
    graph = StateGraph(Log)
    graph.add_node("step", step if depth == 0 else nested(depth - 1))
    return graph.add_edge(START, "step").compile()


def assistant(graph_id="g", **config):
    return Assistant("a", graph_id, "Anna", None, config, {}, {}, 1, 0, 0)


@pytest.fixture
def drawings(database):
    def drawings(origin):
        registry = GraphRegistry({"g": GraphSource("g", origin)})
        return AssistantDrawings(database, registry)

    return drawings


def names(drawn):
    return [node["id"] for node in drawn["nodes"]]


async def test_subgraphs_are_drawn_as_deep_as_asked(drawings):
    shown = drawings(nested(2))
    assert names(await shown.graph(assistant(), xray=False)) == ["__start__", "step", "__end__"]
    assert "step:step" in names(await shown.graph(assistant(), xray=1))
    assert "step:step:step" in names(await shown.graph(assistant(), xray=True))


async def test_a_drawing_does_not_tell_where_code_lies(drawings):
    drawn = await drawings(nested(0)).graph(assistant(), xray=False)
    (node,) = [node for node in drawn["nodes"] if node["id"] == "step"]
    assert node == {"id": "step", "type": "runnable", "data": {"name": "step"}}
    assert {"source": "__start__", "target": "step"} in drawn["edges"]


async def test_subgraphs_are_described_by_namespace(drawings):
    shown = drawings(nested(2))
    near = await shown.subgraphs(assistant(), namespace=None, recurse=False)
    assert list(near) == ["step"]
    assert near["step"].keys() == {
        "input_schema",
        "output_schema",
        "state_schema",
        "config_schema",
        "context_schema",
    }
    assert list(await shown.subgraphs(assistant(), namespace=None, recurse=True)) == [
        "step",
        "step|step",
    ]
    assert await shown.subgraphs(assistant(), namespace="nowhere", recurse=True) == {}


async def test_a_factory_gets_the_assistants_configuration_on_a_thread_of_its_own(drawings):
    seen = []

    def make(config):
        seen.append((config["configurable"], threading.get_ident()))
        return nested(config["configurable"]["depth"])

    shown = drawings(Factory("make", make, takes_config=True))
    drawn = await shown.graph(assistant(configurable={"depth": 1}), xray=True)
    assert "step:step" in names(drawn)
    ((configurable, thread),) = seen
    assert configurable == {"depth": 1}
    assert thread != threading.get_ident()


async def test_what_a_factory_raises_is_told_as_the_graphs_fault(drawings):
    def make():
        raise LookupError("no model")

    with pytest.raises(GraphFailed, match="LookupError: no model"):
        await drawings(Factory("make", make, takes_config=False)).graph(assistant(), xray=False)
