"""Schemas of graphs as clients of the protocol read them."""

import pytest

from outrigger_server.graphs.schemas import graph_schemas

GRAPHS = """
    import operator
    from dataclasses import dataclass
    from typing import Annotated

    from langgraph.func import entrypoint
    from pydantic import BaseModel


    class Whole(TypedDict):
        log: Annotated[list[str], operator.add]
        n: int


    class Context(BaseModel):
        model: str = "small"


    def note(state: Whole) -> Whole:
        return {"log": ["noted"]}


    described = StateGraph(Whole, context_schema=Context, input_schema=State)
    described.add_node("note", note)
    described.add_edge(START, "note")


    @entrypoint()
    def double(n: int) -> int:
        return 2 * n


    class Strange:
        pass


    class WithStrange(TypedDict):
        strange: Strange


    strange = StateGraph(WithStrange)
    strange.add_node("nothing", lambda state: {})
    strange.add_edge(START, "nothing")
"""


@pytest.fixture
def schemas_of(project):
    def make(attribute):
        project.write_graph("agent.py", more=GRAPHS)
        source = project.load(f"./agent.py:{attribute}")
        with source.open_blocking({}, checkpointer=None, store=None) as graph:
            return graph_schemas(graph, graph_id="agent")

    return make


def test_input_output_state_and_context_are_described(schemas_of):
    schemas = schemas_of("described")
    assert list(schemas) == [
        *("graph_id", "input_schema", "output_schema", "state_schema"),
        *("config_schema", "context_schema"),
    ]
    assert schemas["graph_id"] == "agent"
    assert schemas["input_schema"] == {
        "properties": {"n": {"title": "N", "type": "integer"}},
        "required": ["n"],
        "title": "State",
        "type": "object",
    }
    assert sorted(schemas["output_schema"]["properties"]) == ["log", "n"]
    context = {
        "properties": {"model": {"default": "small", "title": "Model", "type": "string"}},
        "title": "Context",
        "type": "object",
    }
    assert schemas["config_schema"] == schemas["context_schema"] == context


def test_the_state_is_described_by_its_channels(schemas_of):
    assert schemas_of("described")["state_schema"] == {
        "properties": {
            "log": {"default": None, "items": {"type": "string"}, "title": "Log", "type": "array"},
            "n": {"default": None, "title": "N", "type": "integer"},
        },
        "title": "agent_state",
        "type": "object",
    }


def test_without_a_context_nothing_can_be_configured(schemas_of):
    schemas = schemas_of("graph")
    assert (schemas["config_schema"], schemas["context_schema"]) == ({}, None)


def test_a_function_is_described_by_its_argument_and_result(schemas_of):
    schemas = schemas_of("double")
    assert schemas["input_schema"]["type"] == "integer"
    assert schemas["output_schema"]["type"] == "integer"


def test_where_no_schema_can_be_made_there_is_none(schemas_of):
    schemas = schemas_of("strange")
    assert schemas["input_schema"] is None
    assert schemas["output_schema"] is None
    assert schemas["state_schema"] is None
