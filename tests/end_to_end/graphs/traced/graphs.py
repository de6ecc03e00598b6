"""Graphs whose every step leaves something to count in their traces."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, RetryPolicy, interrupt
from typing_extensions import TypedDict, override

USAGE = UsageMetadata(
    input_tokens=1000,
    output_tokens=200,
    total_tokens=1200,
    input_token_details=InputTokenDetails(cache_read=400),
    output_token_details=OutputTokenDetails(reasoning=50),
)


class RateLimitError(Exception):
    """What a provider's client raises for a 429."""


class Speaker(BaseChatModel):
    """Streams three words and says what they cost, or is refused."""

    model_name: str = "gpt-4o-mini"
    provider: str = "openai"
    refused: bool = False

    @property
    @override
    def _llm_type(self) -> str:
        return "speaker"

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider=self.provider, ls_model_name=self.model_name, ls_model_type="chat"
        )

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self._refuse()
        message = AIMessage("one two three", usage_metadata=USAGE)
        return ChatResult(generations=[ChatGeneration(message=message)])

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        self._refuse()
        for word in _words():
            await asyncio.sleep(0.01)
            if run_manager is not None:
                await run_manager.on_llm_new_token(str(word.text), chunk=word)
            yield word

    def _refuse(self) -> None:
        if self.refused:
            raise RateLimitError("429: sk-this-must-not-be-a-label")


def _words() -> Iterator[ChatGenerationChunk]:
    yield ChatGenerationChunk(message=AIMessageChunk("one "))
    yield ChatGenerationChunk(message=AIMessageChunk("two "))
    yield ChatGenerationChunk(message=AIMessageChunk("three", usage_metadata=USAGE))


class State(TypedDict, total=False):
    """A conversation, and how often the flaky node has to fail."""

    messages: Annotated[list[AnyMessage], add_messages]
    tries: list[int]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def divide(a: int, b: int) -> float:
    """Divide two numbers."""
    return a / b


class Flaky:
    """A node that fails twice in each run before it works."""

    def __init__(self) -> None:
        self._failed: dict[str, int] = {}

    async def __call__(self, state: State, config: RunnableConfig) -> dict[str, Any]:
        run_id = config["configurable"]["run_id"]
        self._failed[run_id] = self._failed.get(run_id, 0) + 1
        if self._failed[run_id] <= 2:
            raise ConnectionError("not yet")
        return {"tries": [self._failed[run_id]]}


async def call_tools(state: State) -> dict[str, Any]:
    """Ask for two tools, of which one fails."""
    calls = [
        {"name": "add", "args": {"a": 1, "b": 2}, "id": "1"},
        {"name": "divide", "args": {"a": 1, "b": 0}, "id": "2"},
    ]
    return {"messages": [AIMessage("", tool_calls=calls)]}


async def speak(state: State) -> dict[str, Any]:
    """Stream one answer; have another one whole, of a model without a price."""
    chunks = [each async for each in Speaker().astream("hello")]
    answer = chunks[0]
    for chunk in chunks[1:]:
        answer += chunk
    quiet = Speaker(model_name="in-house", provider="cellar", disable_streaming=True)
    await quiet.ainvoke("hello")
    return {"messages": [AIMessage(str(answer.text))]}


async def refused(state: State) -> dict[str, Any]:
    """Be refused by a model and go on."""
    try:
        await Speaker(refused=True).ainvoke("hello")
    except RateLimitError:
        return {"messages": [AIMessage("refused")]}
    raise AssertionError


async def ask(state: State) -> dict[str, Any]:
    """Stop for a person."""
    return {"messages": [AIMessage(str(interrupt("go on?")))]}


async def deep(state: State) -> dict[str, Any]:
    """A node of the subgraph, called like none outside."""
    return {"messages": [AIMessage("deep")]}


async def leave(state: State) -> Command[Any]:
    """Leave the subgraph for a node outside."""
    return Command(graph=Command.PARENT, goto="ask", update={"messages": [AIMessage("left")]})


async def boom(state: State) -> dict[str, Any]:
    """Fail."""
    raise ValueError("boom")


async def again(state: State) -> Command[Any]:
    """Go round for ever."""
    return Command(goto="again")


_inner = StateGraph(State)
_inner.add_node(deep)
_inner.add_node(leave)
_inner.add_edge(START, "deep")
_inner.add_edge("deep", "leave")

_whole = StateGraph(State)
_whole.add_node(
    "flaky",
    Flaky(),
    retry_policy=RetryPolicy(max_attempts=3, initial_interval=0.01, jitter=False),
)
_whole.add_node("call", call_tools)
_whole.add_node("tools", ToolNode([add, divide], handle_tool_errors=True))
_whole.add_node(speak)
_whole.add_node(refused)
_whole.add_node("inner", _inner.compile(), destinations=("ask",))
_whole.add_node(ask)
_whole.add_edge(START, "flaky")
_whole.add_edge("flaky", "call")
_whole.add_edge("call", "tools")
_whole.add_edge("tools", "speak")
_whole.add_edge("speak", "refused")
_whole.add_edge("refused", "inner")
_whole.add_edge("ask", END)
whole = _whole.compile(name="a name of its own")

_asking = StateGraph(State)
_asking.add_node(ask)
_asking.add_edge(START, "ask")

_asking_deep = StateGraph(State)
_asking_deep.add_node("middle", _asking.compile())
_asking_deep.add_edge(START, "middle")
asking_deep = _asking_deep.compile()

_failing = StateGraph(State)
_failing.add_node(boom)
_failing.add_edge(START, "boom")
failing = _failing.compile()


async def wait(state: State) -> None:
    """Say that it has begun, then take its time."""
    get_stream_writer()("begun")
    await asyncio.sleep(60)


_slow = StateGraph(State)
_slow.add_node(wait)
_slow.add_edge(START, "wait")
slow = _slow.compile()

_endless = StateGraph(State)
_endless.add_node(again)
_endless.add_edge(START, "again")
endless = _endless.compile()

_endless_deep = StateGraph(State)
_endless_deep.add_node("holder", endless)
_endless_deep.add_edge(START, "holder")
endless_deep = _endless_deep.compile()
