"""A chat model that needs no key: deterministic, streamed token by token at a set pace.

It makes streaming, interruption and usage figures visible without a provider. What it says
is in `simulated_replies.py`.
"""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field
from typing_extensions import override

from task_maistro.conversation import last_human
from task_maistro.simulated_replies import Reply, reply_to

MODEL_NAME = "simulated"


class SimulatedModel(BaseChatModel):
    """Answers plain requests by pattern, one token every 1/`tokens_per_second` seconds.

    A token is a word with the space behind it. An answer stops at `max_tokens`. The last
    chunk of a stream carries the usage; cancelling stops the stream at once.
    """

    tokens_per_second: float = Field(default=50.0, gt=0)
    max_tokens: int = Field(default=1_000, ge=1)

    @property
    @override
    def _llm_type(self) -> str:
        return MODEL_NAME

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Let the model call these tools; `tool_choice` is accepted and has no effect."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        begun = time.monotonic()
        for number, chunk in enumerate(self._chunks(messages, kwargs), start=1):
            time.sleep(self._pause(begun, number))
            if run_manager:
                run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
            yield chunk

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        begun = time.monotonic()
        for number, chunk in enumerate(self._chunks(messages, kwargs), start=1):
            await asyncio.sleep(self._pause(begun, number))
            if run_manager:
                await run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
            yield chunk

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, None, **kwargs))

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        chunks = [chunk async for chunk in self._astream(messages, stop, None, **kwargs)]
        return generate_from_stream(iter(chunks))

    def _pause(self, begun: float, number: int) -> float:
        """Return the seconds until chunk `number` is due; late chunks catch up."""
        return max(0.0, begun + number / self.tokens_per_second - time.monotonic())

    def _chunks(
        self, messages: Sequence[BaseMessage], options: dict[str, Any]
    ) -> Iterator[ChatGenerationChunk]:
        conversation = cast("list[AnyMessage]", list(messages))
        tools = {tool["function"]["name"] for tool in options.get("tools") or ()}
        reply = reply_to(conversation, tools)
        pieces = list(_pieces(reply, _call_id(conversation)))
        cut = len(pieces) > self.max_tokens and reply.tool is None
        pieces = pieces[: self.max_tokens] if cut else pieces
        for piece in pieces:
            yield ChatGenerationChunk(message=piece)
        finish = "length" if cut else "tool_calls" if reply.tool else "stop"
        yield ChatGenerationChunk(message=_ending(finish, _input_tokens(messages), len(pieces)))


def _pieces(reply: Reply, call_id: str) -> Iterator[AIMessageChunk]:
    if reply.tool is None:
        for token in _tokens(reply.text):
            yield AIMessageChunk(content=token)
        return
    head = tool_call_chunk(name=str(reply.tool), args="", id=call_id, index=0)
    yield AIMessageChunk(content="", tool_call_chunks=[head])
    for token in _tokens(json.dumps(dict(reply.arguments), ensure_ascii=False)):
        part = tool_call_chunk(name=None, args=token, id=None, index=0)
        yield AIMessageChunk(content="", tool_call_chunks=[part])


def _ending(finish: str, input_tokens: int, output_tokens: int) -> AIMessageChunk:
    return AIMessageChunk(
        content="",
        chunk_position="last",
        response_metadata={"finish_reason": finish, "model_name": MODEL_NAME},
        usage_metadata=UsageMetadata(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            total_tokens=input_tokens + output_tokens,
        ),
    )


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*|\s+", text)


def _input_tokens(messages: Sequence[BaseMessage]) -> int:
    return sum(len(_tokens(str(message.content))) for message in messages)


def _call_id(messages: Sequence[AnyMessage]) -> str:
    """Derive an id that no other call of the conversation has."""
    asked = last_human(messages)
    seed = f"{len(messages)}\n{asked.id if asked else None}\n{asked.text if asked else ''}"
    return f"call_{hashlib.sha256(seed.encode()).hexdigest()[:24]}"
