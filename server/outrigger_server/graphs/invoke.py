"""One run of a graph as LangGraph wants it called, and its output as stream events."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, cast

from langchain_core.messages import BaseMessage, BaseMessageChunk, message_chunk_to_message
from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from langgraph.runtime import RunControl
from langgraph.types import Command, Send, StreamMode

from outrigger_server.domain.access import AUTH_PREFIX, User
from outrigger_server.domain.run import START_KEYS, Run
from outrigger_server.errors import InvalidRequest
from outrigger_server.graphs.checkpoint_frames import debug_data, without_internals
from outrigger_server.graphs.context import context_for

LANGGRAPH_VERSION = version("langgraph")
SERVER_VERSION = version("langgraph-outrigger")

_Graph = Pregel[Any, Any, Any, Any]
_Chunks = AsyncIterator[Any]

_WITH_CONFIG = frozenset({"checkpoints", "tasks"})

VALUES = "values"
EVENTS = "events"

STREAM_MODES = (
    VALUES,
    "updates",
    "messages",
    "messages-tuple",
    "custom",
    "debug",
    "tasks",
    "checkpoints",
    EVENTS,
)
"""The stream modes a run may ask for."""


def run_config(run: Run, *, at_head: bool = False) -> RunnableConfig:
    """The configuration of the run's present attempt.

    With `at_head` it starts at the head of the history, wherever it was asked to start.
    """
    given: Mapping[str, Any] = run.kwargs.get("config") or {}
    place = {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "graph_id": run.graph_id,
        "assistant_id": run.assistant_id,
    }
    asked = given.get("configurable") or {}
    configurable = {**asked, **_unsigned(run.kwargs.get("context") or {}), **place}
    if user := asked.get(AUTH_PREFIX + "user"):
        configurable[AUTH_PREFIX + "user"] = User(**user)
    # A namespace here, even the root's, would be told of every node in place of its own.
    configurable.pop("checkpoint_ns", None)
    if not at_head and run.kwargs.get("checkpoint_id"):
        configurable |= {key: run.kwargs[key] for key in START_KEYS if key in run.kwargs}
    config: RunnableConfig = {
        "configurable": configurable,
        "metadata": {**run.metadata, **_system_metadata(run)},
        "run_name": run.graph_id,
    }
    if run.attempt == 1:
        # The root trace of the first attempt has the run's own id.
        config["run_id"] = uuid.UUID(run.run_id)
    if (concurrency := given.get("max_concurrency")) is not None:
        config["max_concurrency"] = concurrency
    if tags := given.get("tags"):
        config["tags"] = list(tags)
    if (limit := given.get("recursion_limit")) is not None:
        config["recursion_limit"] = int(limit)
    return config


def _unsigned(context: Mapping[str, Any]) -> dict[str, Any]:
    """A context without the names by which graphs know who asks: only the server says that."""
    return {key: value for key, value in context.items() if not key.startswith(AUTH_PREFIX)}


def _system_metadata(run: Run) -> dict[str, Any]:
    return {
        "graph_id": run.graph_id,
        "assistant_id": run.assistant_id,
        "thread_id": run.thread_id,
        "run_id": run.run_id,
        "run_attempt": run.attempt,
        "langgraph_version": LANGGRAPH_VERSION,
        "langgraph_api_version": SERVER_VERSION,
        "langgraph_host": "self-hosted",
    }


def run_input(run: Run, *, resume: bool) -> Any:
    """What the graph is started with: None when an earlier attempt left something to go on."""
    if resume:
        return None
    command = run.kwargs.get("command")
    return to_command(command) if command is not None else run.kwargs.get("input")


def to_command(command: Mapping[str, Any]) -> Command[Any]:
    """A command as sent over the wire.

    Raises:
        InvalidRequest: `goto` names no node.
    """
    goto = command.get("goto")
    targets: Any = ()
    if goto is not None:
        targets = [_target(each) for each in (goto if isinstance(goto, list) else [goto])]
    update = _pairs(command.get("update"))
    return Command(resume=command.get("resume"), update=update, goto=targets)


def _pairs(update: Any) -> Any:
    """JSON has no tuples: a list of pairs of a key and a value is an update with such."""
    if isinstance(update, list) and all(_is_pair(each) for each in update):
        return [(key, value) for key, value in update]
    return update


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)  # noqa: PLR2004


def _target(goto: Any) -> str | Send:
    if isinstance(goto, str):
        return goto
    if isinstance(goto, Mapping) and isinstance(goto.get("node"), str):
        return Send(goto["node"], goto.get("input"))
    raise InvalidRequest('command.goto: give a node name or {"node": name, "input": …}')


def wanted_modes(run: Run) -> tuple[str, ...]:
    """The stream modes the run asks for."""
    return tuple(run.kwargs.get("stream_mode") or [VALUES])


async def stream_run(
    graph: _Graph,
    run: Run,
    *,
    config: RunnableConfig,
    resume: bool,
    control: RunControl,
) -> AsyncIterator[tuple[str, Any]]:
    """Run the graph and yield (event name, data) as the run's stream modes ask for."""
    frames = Frames(wanted_modes(run))
    stream = _stream_with_events if EVENTS in frames.wanted else _stream
    chunks = stream(
        graph,
        run_input(run, resume=resume),
        config,
        context=context_for(graph, run.kwargs.get("context") or {}),
        stream_mode=frames.graph_modes,
        subgraphs=bool(run.kwargs.get("subgraphs")),
        durability=run.kwargs.get("durability") or "async",
        interrupt_before=run.kwargs.get("interrupt_before"),
        interrupt_after=run.kwargs.get("interrupt_after"),
        control=control,
    )
    async for chunk in chunks:
        namespace, mode, data = chunk if len(chunk) == 3 else ((), *chunk)  # noqa: PLR2004
        for name, payload in frames.of(mode, data):
            yield "|".join((name, *namespace)), payload
        # A step's checkpoint is handed over by a task of its own, which must begin before
        # the next node can block the loop.
        await asyncio.sleep(0)


def _stream(graph: _Graph, given: Any, config: RunnableConfig, **options: Any) -> _Chunks:
    return graph.astream(given, config, **options)


async def _stream_with_events(
    graph: _Graph, given: Any, config: RunnableConfig, **options: Any
) -> _Chunks:
    """The same, and between the chunks what happens inside, as LangChain tells it.

    The graph's own stream is among the events, each chunk as one: those become chunks.
    """
    root: str | None = None
    async for event in graph.astream_events(given, config, version="v2", **options):
        root = root or event["run_id"]
        if event["event"] == "on_chain_stream" and event["run_id"] == root:
            yield event["data"]["chunk"]
        else:
            yield EVENTS, event


@dataclass
class Frames:
    """Turns what LangGraph streams into the protocol's events."""

    wanted: tuple[str, ...]
    _partial: dict[str, BaseMessageChunk] = field(default_factory=dict)
    _announced: set[str] = field(default_factory=set)

    @property
    def graph_modes(self) -> list[StreamMode]:
        """The modes LangGraph is asked for; always values, which come once a step."""
        modes = ["messages" if mode == "messages-tuple" else mode for mode in self.wanted]
        modes = [mode for mode in modes if mode != EVENTS]
        modes.append(VALUES)
        return cast("list[StreamMode]", list(dict.fromkeys(modes)))

    def of(self, mode: str, data: Any) -> Sequence[tuple[str, Any]]:
        """The events for one chunk, in order."""
        if mode == "values" and mode not in self.wanted:
            return []
        if mode == "debug":
            return [(mode, debug_data(data))]
        if mode != "messages":
            return [(mode, without_internals(data) if mode in _WITH_CONFIG else data)]
        if "messages-tuple" in self.wanted:
            return [("messages", data)]
        message, metadata = data
        return self._accumulated(message, metadata)

    def _accumulated(self, message: BaseMessage, metadata: Any) -> list[tuple[str, Any]]:
        key = message.id or ""
        events: list[tuple[str, Any]] = []
        if key not in self._announced:
            self._announced.add(key)
            events.append(("messages/metadata", {key: {"metadata": metadata}}))
        if not isinstance(message, BaseMessageChunk):
            return [*events, ("messages/complete", [message])]
        before = self._partial.get(key)
        whole = message if before is None else before + message
        self._partial[key] = whole
        return [*events, ("messages/partial", [message_chunk_to_message(whole)])]
