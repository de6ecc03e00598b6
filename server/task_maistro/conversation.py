"""Questions about a message list, answered without changing it. Pure functions only."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

MAX_MESSAGE_CHARACTERS = 10_000
BRIEFLY = "Answer in one sentence."


def text_of(message: AnyMessage) -> str:
    """Return the text of a message whose content may be a string or blocks."""
    return str(message.text)


def fault_of(message: AnyMessage) -> str | None:
    """Say what is wrong with a human message, or return None."""
    text = text_of(message)
    if not text.strip() and not _has_other_content(message):
        return "The message is empty; write something."
    if len(text) > MAX_MESSAGE_CHARACTERS:
        return (
            f"The message has {len(text):,} characters; "
            f"at most {MAX_MESSAGE_CHARACTERS:,} are allowed."
        )
    return None


def _has_other_content(message: AnyMessage) -> bool:
    return isinstance(message.content, list) and any(
        isinstance(block, dict) and block.get("type") != "text" for block in message.content
    )


def sendable(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Leave out the human messages that were refused: a model would reject or pay for them."""
    return [
        message
        for message in messages
        if not isinstance(message, HumanMessage) or fault_of(message) is None
    ]


def last_human(messages: Sequence[AnyMessage]) -> HumanMessage | None:
    """Return the newest human message."""
    return next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)


def tool_rounds(messages: Sequence[AnyMessage]) -> int:
    """Count the answers to the newest human message that asked for tools."""
    rounds = 0
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        rounds += isinstance(message, AIMessage) and bool(message.tool_calls)
    return rounds


def without_dangling_calls(messages: Sequence[AnyMessage]) -> list[AnyMessage] | None:
    """Answer every unanswered tool call as cancelled, right behind its message.

    A run that is cut between model and tool leaves such calls, and model providers refuse a
    history that holds one. Returns None when there is nothing to mend.
    """
    answered = {m.tool_call_id for m in messages if isinstance(m, ToolMessage)}
    mended: list[AnyMessage] = []
    pending: list[ToolMessage] = []
    found = False
    for message in messages:
        if not isinstance(message, ToolMessage):
            mended += pending
            pending = []
        mended.append(message)
        if isinstance(message, AIMessage):
            pending = cancelled_answers(message, answered)
            found = found or bool(pending)
    return [*mended, *pending] if found else None


def cancelled_answers(
    message: AIMessage,
    answered: set[str],
    reason: str = "cancelled: the run was cut before this tool ran",
) -> list[ToolMessage]:
    """Make the answers that `message`'s tool calls lack, with ids derived from the calls'."""
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    return [
        ToolMessage(
            content=reason,
            tool_call_id=call["id"],
            name=call["name"],
            id=f"cancelled-{call['id']}",
            status="error",
        )
        for call in calls
        if call["id"] is not None and call["id"] not in answered
    ]
