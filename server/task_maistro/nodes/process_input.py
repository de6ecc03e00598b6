"""The first node: begin a turn, refuse input that cannot be answered, mend a cut history."""

import time

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.types import Overwrite

from task_maistro.conversation import fault_of, without_dangling_calls
from task_maistro.state import State, Update
from task_maistro.turn import Turn


async def process_input(state: State, turn: Turn) -> Update:
    """Reset `error` and check the newest message.

    A history whose tool calls were cut off gets answers to them, so that providers accept it.
    """
    del turn  # a wrong configuration has been refused by now
    messages = state.get("messages", [])
    update: Update = {"error": refusal(messages, state.get("answered_id")), "started_at": _now()}
    mended = without_dangling_calls(messages)
    if mended is not None:
        update["messages"] = Overwrite(mended)
    return update


def refusal(messages: list[AnyMessage], answered_id: str | None) -> str | None:
    """Say why the newest message cannot be answered, or return None."""
    if not messages:
        return "There is no message; send one."
    newest = messages[-1]
    if is_answered(messages, answered_id):
        return None
    if not isinstance(newest, HumanMessage):
        return f"The last message must be a human message; it is of type {newest.type!r}."
    return fault_of(newest)


def is_answered(messages: list[AnyMessage], answered_id: str | None) -> bool:
    """Tell whether the input added nothing new, as a message that is sent twice does."""
    return bool(messages) and answered_id is not None and messages[-1].id == answered_id


def _now() -> float:
    return time.time()
