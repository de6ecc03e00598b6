"""The graph that every contender runs: four nodes in a row that only leave their mark.

It stands alone, as a user's graph does: it is copied beside its manifest and loaded by path.
"""

import asyncio
import operator
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict  # servers cannot make a schema of the other before 3.12


class State(TypedDict, total=False):
    """One thread's log, and how long the second node is to sleep."""

    log: Annotated[list[str], operator.add]
    seconds: float


async def one(state: State) -> dict[str, Any]:
    """Leave the first mark."""
    return {"log": ["one"]}


async def two(state: State) -> dict[str, Any]:
    """Sleep when told to, then leave the second mark."""
    seconds = state.get("seconds", 0.0)
    if seconds:
        await asyncio.sleep(seconds)
    return {"log": ["two"]}


async def three(state: State) -> dict[str, Any]:
    """Leave the third mark."""
    return {"log": ["three"]}


async def four(state: State) -> dict[str, Any]:
    """Leave the last mark."""
    return {"log": ["four"]}


builder = StateGraph(State)
builder.add_node("one", one)
builder.add_node("two", two)
builder.add_node("three", three)
builder.add_node("four", four)
builder.add_edge(START, "one")
builder.add_edge("one", "two")
builder.add_edge("two", "three")
builder.add_edge("three", "four")
builder.add_edge("four", END)
graph = builder.compile()
