"""Five small graphs that show what a LangGraph server does with a run that is cut.

They differ only in how the middle node takes its time. Every node leaves a mark with the run's
own token in an append-only log, so a reader of the state can tell which run did what. They
import nothing but LangGraph and run on any server of it, unchanged.
"""

import asyncio
import operator
import time
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict  # servers cannot make a schema of the other before 3.12

INPUT = "input"
FIRST = "first"
MIDDLE = "middle"
LAST = "last"
ANSWER = "answer"

DEFAULT_SECONDS = 0.3
CLEANUP_SECONDS = 0.9


class State(TypedDict, total=False):
    """One thread's log, and what its newest run was asked to do."""

    log: Annotated[list[str], operator.add]
    token: str
    seconds: float
    ask: bool
    linger: float


Update = dict[str, Any]


def mark(token: str, name: str) -> str:
    """Return the mark that the node `name` of the run `token` leaves in the log."""
    return f"{token}:{name}"


def answer_mark(token: str, answer: object) -> str:
    """Return the mark that the run `token` leaves when it was answered."""
    return mark(token, f"{ANSWER}:{answer}")


def run_input(
    token: str, seconds: float = DEFAULT_SECONDS, *, ask: bool = False, linger: float = 0.0
) -> Update:
    """Return the input of one run; it sets every field anew, for state outlives the run."""
    return {
        "log": [mark(token, INPUT)],
        "token": token,
        "seconds": seconds,
        "ask": ask,
        "linger": linger,
    }


async def first(state: State) -> Update:
    """Leave the first mark."""
    return {"log": [mark(state["token"], FIRST)]}


async def last(state: State) -> Update:
    """Ask, when the run is to ask, take `linger` seconds over the answer, leave the last mark."""
    token = state["token"]
    marks = [mark(token, LAST)]
    if state.get("ask"):
        marks.insert(0, answer_mark(token, interrupt({"token": token})))
        await asyncio.sleep(state.get("linger", 0.0))
    return {"log": marks}


async def wait(state: State) -> Update:
    """Await: a cancellation ends it at once."""
    await asyncio.sleep(_seconds(state))
    return _middle(state)


def sleep_in_thread(state: State) -> Update:
    """Block a thread: LangGraph runs a plain function in one, and no cancellation reaches it."""
    time.sleep(_seconds(state))
    return _middle(state)


async def clean_up(state: State) -> Update:
    """When cancelled, work for `CLEANUP_SECONDS` more, then end as cancelled."""
    cancelled = False
    try:
        await asyncio.sleep(_seconds(state))
    except asyncio.CancelledError:
        cancelled = True
        raise
    finally:
        if cancelled:
            await asyncio.sleep(CLEANUP_SECONDS)
    return _middle(state)


async def swallow(state: State) -> Update:
    """When cancelled, go on for the time that is left and return as if nothing had happened."""
    due = time.monotonic() + _seconds(state)
    try:
        await asyncio.sleep(_seconds(state))
    except asyncio.CancelledError:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return _middle(state)


async def block(state: State) -> Update:
    """Block the event loop it runs on: nothing else there moves meanwhile."""
    time.sleep(_seconds(state))  # noqa: ASYNC251  the fault this probe is for
    return _middle(state)


def _seconds(state: State) -> float:
    return state.get("seconds", DEFAULT_SECONDS)


def _middle(state: State) -> Update:
    return {"log": [mark(state["token"], MIDDLE)]}


def _build(name: str, middle: Any) -> CompiledStateGraph[Any, Any, Any, Any]:
    builder = StateGraph(State)
    builder.add_node(FIRST, first)
    builder.add_node(MIDDLE, middle)
    builder.add_node(LAST, last)
    builder.add_edge(START, FIRST)
    builder.add_edge(FIRST, MIDDLE)
    builder.add_edge(MIDDLE, LAST)
    builder.add_edge(LAST, END)
    return builder.compile(name=name)


probe_async = _build("probe_async", wait)
probe_sync = _build("probe_sync", sleep_in_thread)
probe_cleanup = _build("probe_cleanup", clean_up)
probe_swallow = _build("probe_swallow", swallow)
probe_blocking = _build("probe_blocking", block)
