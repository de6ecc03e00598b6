"""What an attempt remembers of its last checkpoint is what the database holds of it."""

import operator
from functools import partial
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt

from outrigger_server.graphs.source import GraphSource
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence
from outrigger_server.threads.snapshots import own_outcome, read_outcome


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]
    note: str


class Shown(TypedDict):
    note: str


async def a(state: State) -> State:
    return {"log": ["a"], "note": "from a"}


async def asks(state: State) -> State:
    answer = interrupt({"question": "sure?"})
    return {"log": [answer]}


def plain() -> StateGraph:
    builder = StateGraph(State)
    builder.add_node("a", a)
    builder.add_edge(START, "a")
    return builder


def asking() -> StateGraph:
    """One of three parallel nodes asks; two of them have written."""
    builder = plain()
    builder.add_node("asks", asks)
    builder.add_node("b", lambda state: {"log": ["b"]})
    builder.add_edge(START, "asks")
    builder.add_edge(START, "b")
    return builder


def fanning() -> StateGraph:
    builder = StateGraph(State)
    builder.add_node("b", lambda state: {"log": ["b"]})
    builder.add_conditional_edges(START, lambda _: [Send("b", {}) for _ in range(3)], ["b"])
    return builder


def nested() -> StateGraph:
    builder = StateGraph(State)
    builder.add_node("inside", asking().compile())
    builder.add_edge(START, "inside")
    return builder


def with_output() -> StateGraph:
    builder = StateGraph(State, output_schema=Shown)
    builder.add_node("a", a)
    builder.add_edge(START, "a")
    return builder


SHAPES = [plain, asking, fanning, nested, with_output]


@pytest.fixture
async def run(desk):
    await desk.thread()
    return await desk.running("r")


def saver_of(database, run, observer):
    return FencedSaver(database, RunFence(run.token), observer, durable=False)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("durability", ["async", "sync", "exit"])
async def test_it_is_what_the_database_tells(desk, database, run, observer, shape, durability):
    source = GraphSource("g", shape().compile())
    saver = saver_of(database, run, observer)
    place = {"configurable": {"thread_id": run.thread_id, "checkpoint_ns": ""}}
    async with source.open(place, checkpointer=saver, store=None) as graph:
        async for _ in graph.astream({"log": ["x"]}, place, durability=durability):
            pass
        await saver.settle()
        own = own_outcome(graph, saver)
    read = await database.read_with_graph(partial(read_outcome, source, run.thread_id))
    assert own is not None
    assert own == read
    assert own.values is not None


async def test_an_attempt_that_wrote_no_checkpoint_knows_no_head(database, run, observer):
    assert own_outcome(plain().compile(), saver_of(database, run, observer)) is None
