"""The first node: begin a turn, refuse input that cannot be answered, mend a cut history."""

import time
from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.types import Overwrite

from task_maistro.configuration import Configuration
from task_maistro.conversation import fault_of, without_dangling_calls
from task_maistro.screening import RefusedMessage, screened
from task_maistro.state import State, Update
from task_maistro.turn import Turn


async def process_input(state: State, turn: Turn) -> Update:
    """Reset `error`, check the newest message, and screen what is new.

    A history whose tool calls were cut off gets answers to them, so that providers accept it.
    A message that the configuration refuses is taken out of the conversation.
    """
    given = state.get("messages", [])
    reason = refusal(given, state.get("answered_id"))
    messages, objection = screen(given, turn.configuration)
    mended = without_dangling_calls(messages)
    update: Update = {"error": reason or objection, "started_at": _now()}
    if mended is not None or messages != given:
        update["messages"] = Overwrite(messages if mended is None else mended)
    return update


def screen(
    messages: Sequence[AnyMessage], configuration: Configuration
) -> tuple[list[AnyMessage], str | None]:
    """Screen what people said since the last answer; why something was taken out, if it was."""
    answers = [place for place, each in enumerate(messages) if isinstance(each, AIMessage)]
    new = answers[-1] + 1 if answers else 0
    kept: list[AnyMessage] = list(messages[:new])
    objection = None
    for message in messages[new:]:
        if not isinstance(message, HumanMessage):
            kept.append(message)
            continue
        try:
            kept.append(screened(message, configuration))
        except RefusedMessage as refused:
            objection = str(refused)
    return kept, objection


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
