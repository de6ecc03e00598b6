"""Graphs that end the process, take their time where none is expected, or fail late.

What the slow ones are doing shows in the directory HOSTILE_MARKS: a file for each time one of
them began.
"""

import operator
import os
import time
import uuid
from pathlib import Path
from typing import Annotated, Any

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

FACTORY_SECONDS = 2.0
REDUCER_SECONDS = 0.5
SLOW = "slow"

Update = dict[str, Any]
Compiled = CompiledStateGraph[Any, Any, Any, Any]


class Log(TypedDict, total=False):
    """An append-only log."""

    log: Annotated[list[str], operator.add]


def leave_mark(name: str) -> None:
    """Tell the test that something slow has begun."""
    (Path(os.environ["HOSTILE_MARKS"]) / f"{name}-{uuid.uuid4()}").touch()


def add_slowly(left: list[str], right: list[str]) -> list[str]:
    """Add, and take a while when told to."""
    if SLOW in right:
        leave_mark("reducer")
        time.sleep(REDUCER_SECONDS)
    return left + right


class SlowLog(TypedDict, total=False):
    """A log whose reducer may take a while."""

    log: Annotated[list[str], add_slowly]


def exit_plainly(state: Log) -> Update:
    """End the process."""
    raise SystemExit(3)


async def exit_on_the_loop(state: Log) -> Update:
    """End the process from the event loop."""
    raise SystemExit(3)


def break_plainly(state: Log) -> Update:
    """Do as Ctrl-C does."""
    raise KeyboardInterrupt


async def break_on_the_loop(state: Log) -> Update:
    """Do as Ctrl-C does, on the event loop."""
    raise KeyboardInterrupt


async def one(state: Log) -> Update:
    """Go well."""
    return {"log": ["one"]}


async def two(state: Log) -> Update:
    """Go well."""
    return {"log": ["two"]}


async def fail(state: Log) -> Update:
    """Fail."""
    raise ValueError("boom")


async def add_one(state: SlowLog) -> Update:
    """Go well; the reducer takes the time."""
    return {"log": ["one"]}


def _in_a_row(*nodes: Any, state: Any = Log) -> Compiled:
    return StateGraph(state).add_sequence(nodes).add_edge(START, nodes[0].__name__).compile()


def slow_factory() -> Compiled:
    """Take a while to make a graph."""
    leave_mark("factory")
    time.sleep(FACTORY_SECONDS)
    return _in_a_row(one)


exit_sync = _in_a_row(exit_plainly)
exit_async = _in_a_row(exit_on_the_loop)
break_sync = _in_a_row(break_plainly)
break_async = _in_a_row(break_on_the_loop)
fails_late = _in_a_row(one, two, fail)
slow_reducer = _in_a_row(add_one, state=SlowLog)
good = _in_a_row(one, two)
