"""What the simulated model says: a pure function of the conversation and the tools it has.

It understands plain requests ("add task buy milk") by pattern. It is no language model.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from langchain_core.messages import AnyMessage, SystemMessage, ToolMessage

from task_maistro.conversation import BRIEFLY, last_human, text_of
from task_maistro.tools.names import ToolName

MAX_COUNT = 1_000
QUOTED_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """Either a text, or one tool with its arguments."""

    text: str = ""
    tool: ToolName | None = None
    arguments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Request:
    """One kind of plain request: how it is worded and which tool serves it."""

    pattern: re.Pattern[str]
    tool: ToolName
    argument: str | None = None


def _request(pattern: str, tool: ToolName, argument: str | None = None) -> _Request:
    polite = r"(?:please\s+|can you\s+|could you\s+)?"
    return _Request(re.compile(rf"{polite}{pattern}", re.IGNORECASE | re.DOTALL), tool, argument)


_TASK = r"(?:tasks?|to-?dos?)"
_MY = r"(?:(?:a|an|the|my|all|new|of)\s+)*"
_REQUESTS = (
    _request(rf"(?:add|create|new)\s+{_MY}{_TASK}\s*:?\s+(.+)", ToolName.ADD_TODO, "title"),
    _request(rf"add\s+(.+?)\s+to\s+{_MY}(?:{_TASK}\s+)?list", ToolName.ADD_TODO, "title"),
    _request(r"remind me to\s+(.+)", ToolName.ADD_TODO, "title"),
    _request(rf"(?:list|show)\s+(?:me\s+)?{_MY}{_TASK}(?:\s+list)?", ToolName.LIST_TODOS),
    _request(rf"what(?:'s| is| are)\s+(?:on\s+)?{_MY}{_TASK}(?:\s+list)?", ToolName.LIST_TODOS),
    _request(
        rf"(?:complete|finish|close)\s+(?:{_MY}{_TASK}\s*:?\s+)?(.+)",
        ToolName.COMPLETE_TODO,
        "task",
    ),
    _request(
        rf"mark\s+(?:{_MY}{_TASK}\s*:?\s+)?(.+?)\s+(?:as\s+)?(?:done|complete|completed)",
        ToolName.COMPLETE_TODO,
        "task",
    ),
    _request(r"(?:calculate|compute)\s*:?\s+(.+)", ToolName.CALCULATE, "expression"),
    _request(
        r"(?:what is|what's|how much is)\s+([-+*/%^().\s\d]*\d[-+*/%^().\s\d]*)",
        ToolName.CALCULATE,
        "expression",
    ),
    _request(r"(?:.*\s)?weather\s+(?:like\s+)?(?:in|for|at)\s+(.+)", ToolName.GET_WEATHER, "city"),
    _request(
        r"(?:search|google|look up)\s+(?:the web\s+)?(?:for\s+)?(.+)",
        ToolName.SEARCH_WEB,
        "query",
    ),
)

_FOUND = "Here is what I found:\n{}"
_SAYING: dict[str | None, str] = {
    ToolName.ADD_TODO: "Done. {}.",
    ToolName.COMPLETE_TODO: "Well done! {}.",
    ToolName.LIST_TODOS: "Here is your list:\n{}",
    ToolName.CALCULATE: "The result: {}.",
}


def reply_to(messages: Sequence[AnyMessage], tools: Collection[str]) -> Reply:
    """Choose the next thing to say: use tool results, call a tool, or answer in words."""
    if messages and isinstance(messages[-1], ToolMessage):
        return Reply(text=_use_of_results(messages))
    asked = last_human(messages)
    text = text_of(asked).strip() if asked else ""
    for request in _REQUESTS:
        if found := request.pattern.fullmatch(text.rstrip(" .!?\n")):
            return _call(request, found, tools)
    return Reply(text=_talk(text, messages))


def _call(request: _Request, found: re.Match[str], tools: Collection[str]) -> Reply:
    if request.tool not in tools:
        return Reply(text=f"I cannot do that now: the tool {request.tool} is not available.")
    arguments = ((request.argument, found[1].strip()),) if request.argument else ()
    return Reply(tool=request.tool, arguments=arguments)


def _use_of_results(messages: Sequence[AnyMessage]) -> str:
    results: list[ToolMessage] = []
    for message in reversed(messages):
        if not isinstance(message, ToolMessage):
            break
        results.insert(0, message)
    return "\n".join(_say(result) for result in results)


def _say(result: ToolMessage) -> str:
    content = text_of(result)
    if result.status == "error":
        return f"That did not work. {content}"
    return _SAYING.get(result.name, _FOUND).format(content)


def _talk(text: str, messages: Sequence[AnyMessage]) -> str:
    if count := re.fullmatch(r"count (?:up )?to (\d{1,9})\W*", text, re.IGNORECASE):
        return " ".join(str(number) for number in range(1, min(int(count[1]), MAX_COUNT) + 1))
    known = "\n".join(text_of(m) for m in messages if isinstance(m, SystemMessage))
    name = re.search(r"The user's name is (.+)\.", known)
    if re.search(r"\b(my name|who am i)\b.*\?", text, re.IGNORECASE):
        return f"Your name is {name[1]}." if name else "You have not told me your name yet."
    greeting = f"Hello {name[1]}!" if name else "Hello!"
    if BRIEFLY in known:
        return f'{greeting} You said: "{text[:QUOTED_CHARACTERS]}".'
    return (
        f'{greeting} You said: "{text[:QUOTED_CHARACTERS]}". I am a simulated model: I can add, '
        "list and complete tasks, calculate, and look up weather and web pages."
    )
