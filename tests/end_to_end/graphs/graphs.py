"""Small graphs that do what the probe graphs do not: approve, fail, nest, chat, note, be set up."""

import asyncio
import operator
from typing import Annotated, Any

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.types import interrupt
from typing_extensions import TypedDict

REPLY = "one two three"


class Log(TypedDict, total=False):
    """An append-only log, and how long the slow nodes take."""

    log: Annotated[list[str], operator.add]
    seconds: float


async def ask(state: Log) -> dict[str, Any]:
    """Ask, then take a while in the same node."""
    answer = interrupt({"question": "go on?"})
    await asyncio.sleep(state.get("seconds", 0.0))
    return {"log": [f"answer:{answer}"]}


async def work(state: Log) -> dict[str, Any]:
    """Take a while in the node after the answer."""
    await asyncio.sleep(state.get("seconds", 0.0))
    return {"log": ["work"]}


async def finish(state: Log) -> dict[str, Any]:
    """Finish what it began, also when it is cancelled."""
    try:
        await asyncio.sleep(state.get("seconds", 0.0))
    except asyncio.CancelledError:
        await asyncio.sleep(0.05)
    return {"log": ["finished"]}


async def fail(state: Log) -> dict[str, Any]:
    """Fail."""
    raise ValueError("boom: something went wrong")


async def inner_step(state: Log) -> dict[str, Any]:
    """Speak from inside."""
    get_stream_writer()({"from": "inner"})
    return {"log": ["inner"]}


async def outer_step(state: Log) -> dict[str, Any]:
    """Speak from outside."""
    get_stream_writer()({"from": "outer"})
    return {"log": ["outer"]}


async def reply(state: MessagesState) -> dict[str, Any]:
    """Reply word by word."""
    model = GenericFakeChatModel(messages=iter([AIMessage(REPLY, id="reply")]))
    return {"messages": [await model.ainvoke(state["messages"])]}


class Shown(TypedDict, total=False):
    """What a run was configured with."""

    shown: dict[str, Any]


class Context(TypedDict, total=False):
    """The run's context."""

    colour: str


async def show(state: Shown, config: RunnableConfig, runtime: Runtime[Context]) -> dict[str, Any]:
    """Put the configuration into the state."""
    return {
        "shown": {
            "size": config["configurable"].get("size"),
            "thread_id": config["configurable"]["thread_id"],
            "run_id": config["configurable"]["run_id"],
            "tags": [tag for tag in config.get("tags") or [] if ":" not in tag],
            "colour": (runtime.context or {}).get("colour"),
        }
    }


approval = (
    StateGraph(Log)
    .add_node("ask", ask)
    .add_node("work", work)
    .add_edge(START, "ask")
    .add_edge("ask", "work")
    .add_edge("work", END)
    .compile(name="approval")
)
finishing = StateGraph(Log).add_node("finish", finish).add_edge(START, "finish").compile()
failing = StateGraph(Log).add_node("fail", fail).add_edge(START, "fail").compile(name="failing")
_inner = StateGraph(Log).add_node("step", inner_step).add_edge(START, "step").compile()
outer = (
    StateGraph(Log)
    .add_node("step", outer_step)
    .add_node("child", _inner)
    .add_edge(START, "step")
    .add_edge("step", "child")
    .compile(name="outer")
)
chat = StateGraph(MessagesState).add_node("reply", reply).add_edge(START, "reply").compile()
settings = (
    StateGraph(Shown, context_schema=Context)
    .add_node("show", show)
    .add_edge(START, "show")
    .compile(name="settings")
)


class Strange(TypedDict, total=False):
    """Letters by their codes, as no request can send them all, and what to do with them."""

    codes: list[int]
    said: str
    fail: bool
    put: str


async def say(state: Strange, runtime: Runtime[Any]) -> dict[str, Any]:
    """Say the text, fail with it, or put it into the store."""
    text = "".join(map(chr, state["codes"]))
    if state.get("fail"):
        raise ValueError(text)
    item = {"namespace": "n", "key": "k", "value": "v"}
    if state.get("put"):
        item[state["put"]] = text
        assert runtime.store is not None
        await runtime.store.aput((item["namespace"],), item["key"], {"text": item["value"]})
    return {"said": text}


strange = StateGraph(Strange).add_node("say", say).add_edge(START, "say").compile(name="strange")


async def note(state: Log, *, store: BaseStore) -> dict[str, Any]:
    """Put into the store what the log ends with, and log what was there before."""
    before = await store.aget(("notes", "last"), "log")
    await store.aput(("notes", "last"), "log", {"text": state["log"][-1]})
    return {"log": [f"before:{before.value['text'] if before else None}"]}


noting = StateGraph(Log).add_node("note", note).add_edge(START, "note").compile(name="noting")

asking_inside = (
    StateGraph(Log).add_node("child", approval).add_edge(START, "child").compile(name="asking")
)
