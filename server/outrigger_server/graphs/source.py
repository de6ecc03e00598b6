"""One graph as its author gave it, and how a run or a request gets a graph of its own from it.

An author gives a compiled graph or a factory: a function that makes a graph or a builder, or a
context manager around either. Reading and importing files is in `loader.py`.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from contextvars import copy_context
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from anyio.from_thread import start_blocking_portal
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import StateGraph
from langgraph.pregel import Pregel
from langgraph.store.base import BaseStore

from outrigger_server.errors import GraphFailed

Graph = Pregel[Any, Any, Any, Any]
Saver = BaseCheckpointSaver[Any]

# What LangGraph calls a graph whose author gave it no name.
_UNNAMED = "LangGraph"


@dataclass(frozen=True, slots=True)
class Factory:
    """A function of the user that makes a graph each time one is needed."""

    name: str
    function: Callable[..., Any]
    takes_config: bool


@dataclass(frozen=True, slots=True)
class GraphSource:
    """Where graphs of one id come from. Safe to use from several threads and loops at once."""

    graph_id: str
    origin: Graph | Factory
    description: str | None = None

    @property
    def takes_messages(self) -> bool:
        """True when the graph is known to keep a list of chat messages."""
        return isinstance(self.origin, Pregel) and "messages" in self.origin.channels

    @asynccontextmanager
    async def open(
        self, config: RunnableConfig, *, checkpointer: Saver | None, store: BaseStore | None
    ) -> AsyncIterator[Graph]:
        """Give a fresh graph with `checkpointer` and `store` attached; None attaches none.

        A plain factory runs in a thread of the loop's default executor, like a sync node; an async
        one runs on the loop. What a factory opens stays open until the block ends.

        Raises:
            GraphFailed: The factory raised, or made something that is not a graph.
        """
        if isinstance(self.origin, Factory):
            async with AsyncExitStack() as stack:
                graph = await _make(self.origin, config, stack)
                yield self._attach(graph, checkpointer, store)
        else:
            yield self._attach(self.origin, checkpointer, store)

    @contextmanager
    def open_blocking(
        self, config: RunnableConfig, *, checkpointer: Saver | None, store: BaseStore | None
    ) -> Iterator[Graph]:
        """Give the same as `open`, in a thread that runs no event loop.

        A factory runs on a loop in a thread of its own, which lives until the block ends: what an
        async factory opened is closed by the task that opened it.

        Raises:
            GraphFailed: The factory raised, or made something that is not a graph.
        """
        if isinstance(self.origin, Factory):
            opening = self.open(config, checkpointer=checkpointer, store=store)
            with (
                start_blocking_portal() as portal,
                portal.wrap_async_context_manager(opening) as graph,
            ):
                yield graph
        else:
            yield self._attach(self.origin, checkpointer, store)

    def _attach(self, graph: Graph, checkpointer: Saver | None, store: BaseStore | None) -> Graph:
        return graph.copy(
            update={
                "checkpointer": checkpointer,
                "store": store,
                "name": self.graph_id if graph.name == _UNNAMED else graph.name,
                # The constructor writes to this mapping; the user's must stay as it is.
                "channels": dict(graph.channels),
                # It was validated when it was compiled; doing so again doubles the time.
                "auto_validate": False,
            }
        )


async def _make(factory: Factory, config: RunnableConfig, stack: AsyncExitStack) -> Graph:
    try:
        made = await _enter(await _call(factory, config), stack)
        if isinstance(made, StateGraph):
            made = made.compile()
    except (
        Exception,
        SystemExit,
        KeyboardInterrupt,
    ) as error:  # the user's code may raise anything
        raise GraphFailed(type(error).__name__, str(error)) from error
    if not isinstance(made, Pregel):
        raise GraphFailed("TypeError", _not_a_graph(factory, made))
    return made


def _not_a_graph(factory: Factory, made: object) -> str:
    text = f"{factory.name} made a {type(made).__name__}, not a graph"
    if inspect.isasyncgen(made) or inspect.isgenerator(made):
        decorator = "asynccontextmanager" if inspect.isasyncgen(made) else "contextmanager"
        text += f"; decorate it with contextlib.{decorator}"
    return text


async def _call(factory: Factory, config: RunnableConfig) -> Any:
    arguments = (config,) if factory.takes_config else ()
    if inspect.iscoroutinefunction(factory.function):
        return await factory.function(*arguments)
    made = await _in_thread(factory.function, *arguments)
    return await made if inspect.isawaitable(made) else made


async def _enter(made: Any, stack: AsyncExitStack) -> Any:
    if isinstance(made, Pregel):
        return made
    if isinstance(made, AbstractAsyncContextManager):
        return await stack.enter_async_context(made)
    if isinstance(made, AbstractContextManager):
        return await _enter_in_thread(made, stack)
    return made


async def _enter_in_thread(manager: AbstractContextManager[Any], stack: AsyncExitStack) -> Any:
    async def leave(
        kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> bool:
        return bool(await _in_thread(manager.__exit__, kind, error, stack))

    def leave_after_all(entered: asyncio.Future[Any]) -> None:
        if not entered.cancelled() and entered.exception() is None:
            _ = _in_thread(manager.__exit__, None, None, None)

    entering = _in_thread(manager.__enter__)
    try:
        made = await asyncio.shield(entering)
    except asyncio.CancelledError:
        # The thread goes on: what it opens must be closed all the same.
        entering.add_done_callback(leave_after_all)
        raise
    stack.push_async_exit(leave)
    return made


def _in_thread(function: Callable[..., Any], *arguments: object) -> asyncio.Future[Any]:
    def call() -> Any:
        try:
            return function(*arguments)
        except StopIteration as error:
            # A future cannot carry it: whoever awaits would wait for ever.
            msg = f"StopIteration: {error}"
            raise RuntimeError(msg) from error

    return asyncio.get_running_loop().run_in_executor(None, copy_context().run, call)
