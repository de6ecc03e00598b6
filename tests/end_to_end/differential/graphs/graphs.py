"""Graphs that do the same on every server: no clock, no chance, no outside."""

import asyncio
import operator
from typing import Annotated, Any

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Log(TypedDict, total=False):
    """An append-only log, and how long the middle node takes."""

    log: Annotated[list[str], operator.add]
    seconds: float


async def first(state: Log) -> dict[str, Any]:
    """Add a line."""
    return {"log": ["first"]}


async def middle(state: Log) -> dict[str, Any]:
    """Say something on the way, take a while, add a line."""
    get_stream_writer()({"from": "middle"})
    await asyncio.sleep(state.get("seconds", 0.0))
    return {"log": ["middle"]}


async def last(state: Log) -> dict[str, Any]:
    """Add a line."""
    return {"log": ["last"]}


async def ask(state: Log) -> dict[str, Any]:
    """Ask a person."""
    return {"log": [f"answer:{interrupt({'question': 'go on?'})}"]}


async def fail(state: Log) -> dict[str, Any]:
    """Fail."""
    raise ValueError("boom: something went wrong")


async def inner_step(state: Log) -> dict[str, Any]:
    """Speak from inside."""
    get_stream_writer()({"from": "inner"})
    return {"log": ["inner"]}


async def reply(state: MessagesState) -> dict[str, Any]:
    """Reply word by word."""
    model = GenericFakeChatModel(messages=iter([AIMessage("one two three", id="reply")]))
    return {"messages": [await model.ainvoke(state["messages"])]}


class Shown(TypedDict, total=False):
    """What a run was given."""

    colour: str


class Context(TypedDict, total=False):
    """The run's context."""

    colour: str


async def show(state: Shown, runtime: Runtime[Context]) -> dict[str, Any]:
    """Put the context into the state."""
    return {"colour": (runtime.context or {}).get("colour", "none")}


def _line(*nodes: Any, name: str) -> Any:
    """One node after the other."""
    graph = StateGraph(Log)
    before = START
    for node in nodes:
        graph.add_node(node.__name__, node)
        graph.add_edge(before, node.__name__)
        before = node.__name__
    return graph.add_edge(before, END).compile(name=name)


echo = _line(first, middle, last, name="echo")
spare = _line(first, name="spare")
approval = _line(ask, last, name="approval")
failing = _line(first, fail, name="failing")
_inner = _line(inner_step, name="inner")


def _around(child: Any, name: str) -> Any:
    """A node, then a graph as a node."""
    graph = StateGraph(Log).add_node("first", first).add_node("child", child)
    return graph.add_edge(START, "first").add_edge("first", "child").compile(name=name)


outer = _around(_inner, "outer")
asking = _around(_line(ask, last, name="approval"), "asking")
chat = StateGraph(MessagesState).add_node("reply", reply).add_edge(START, "reply").compile()
settings = (
    StateGraph(Shown, context_schema=Context).add_node("show", show).add_edge(START, "show")
).compile(name="settings")
