"""Run the tools the model asked for. A tool's failure is told to the model and in `error`."""

import asyncio
import time
from dataclasses import dataclass

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp
from pydantic import ValidationError

from task_maistro.conversation import cancelled_answers, tool_rounds
from task_maistro.state import State, ToolCallRecord, Update
from task_maistro.tavily import Tavily
from task_maistro.tools.toolbox import tools_of
from task_maistro.turn import Turn, describe

MAX_TOOL_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class RunTools:
    """The tools' node."""

    tavily: Tavily

    async def __call__(self, state: State, turn: Turn) -> Update:
        """Answer every tool call of the last message, in order; refuse the round over the limit."""
        request = state["messages"][-1]
        if not isinstance(request, AIMessage):
            return {}
        if tool_rounds(state["messages"]) > MAX_TOOL_ROUNDS:
            reason = f"Stopped: the model asked for tools more than {MAX_TOOL_ROUNDS} times."
            return {"messages": cancelled_answers(request, set(), reason), "error": reason}
        tools = {tool.name: tool for tool in tools_of(turn.configuration, turn.memory, self.tavily)}
        answers: list[ToolMessage] = []
        records: list[ToolCallRecord] = []
        for call in request.tool_calls:
            begun = time.monotonic()
            answer = await _run(tools.get(call["name"]), call, turn)
            answers.append(answer)
            records.append(
                {
                    "tool": call["name"],
                    "succeeded": answer.status == "success",
                    "seconds": time.monotonic() - begun,
                }
            )
        update: Update = {
            "messages": answers,
            "tool_calls": [*state.get("tool_calls", []), *records],
        }
        failures = [f"{a.name}: {a.text}" for a in answers if a.status == "error"]
        if failures:
            update["error"] = f"Tool failed: {'; '.join(failures)}"
        return update


async def _run(tool: BaseTool | None, call: ToolCall, turn: Turn) -> ToolMessage:
    if tool is None:
        return _failed(call, f"The tool {call['name']!r} is not available.")
    seconds = turn.configuration.tool_timeout
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            answer = await tool.ainvoke({**call, "type": "tool_call"}, turn.config)
    except GraphBubbleUp:
        raise
    except TimeoutError as error:
        late = f"It did not answer in {seconds:g} s."
        return _failed(call, late if limit.expired() else describe(error))
    except ValidationError as error:
        return _failed(call, _arguments_fault(error))
    except Exception as error:  # noqa: BLE001  the edge: a tool may raise anything, the run goes on
        return _failed(call, describe(error))
    return answer if isinstance(answer, ToolMessage) else _failed(call, "It gave no answer.")


def _failed(call: ToolCall, text: str) -> ToolMessage:
    return ToolMessage(
        content=text, tool_call_id=call["id"] or "", name=call["name"], status="error"
    )


def _arguments_fault(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors()
    )
