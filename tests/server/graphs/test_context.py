"""Which part of a run's context its graph is called with."""

from dataclasses import dataclass

import pytest
from langgraph.graph import START, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from outrigger_server.graphs.context import context_for


class State(TypedDict, total=False):
    done: bool


@dataclass
class Defaulted:
    who: str = "nobody"


@dataclass
class Needing:
    who: str


class Model(BaseModel):
    who: str = "nobody"


class Named(TypedDict, total=False):
    who: str


def graph(schema):
    def node(state):
        return {"done": True}

    builder = StateGraph(State, context_schema=schema) if schema else StateGraph(State)
    return builder.add_node("node", node).add_edge(START, "node").compile()


@pytest.mark.parametrize("schema", [Defaulted, Needing, Model])
def test_a_class_gets_what_it_has_fields_for(schema):
    assert context_for(graph(schema), {"who": "me", "size": 1}) == {"who": "me"}


@pytest.mark.parametrize("schema", [Named, None])
def test_what_is_no_class_gets_everything(schema):
    assert context_for(graph(schema), {"who": "me", "size": 1}) == {"who": "me", "size": 1}


@pytest.mark.parametrize(
    ("schema", "context"), [(Defaulted, {}), (Model, {}), (Needing, None), (Named, None)]
)
def test_without_a_context_only_a_class_that_needs_nothing_is_made(schema, context):
    assert context_for(graph(schema), {}) == context
