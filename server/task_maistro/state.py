"""What a run of Task Maistro carries from node to node.

`Input` and `Output` are what callers see. The rest of `State` is private: `graph.py` leaves
it out of every value that is streamed or read back, and all but `answered_id` out of the
checkpoints too, so a run that is continued elsewhere may find those fields missing.
"""

from typing import Annotated

from langchain_core.messages import AnyMessage
from langgraph.channels.untracked_value import UntrackedValue
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict  # pydantic makes no schema of the other before 3.12

from task_maistro.configuration import Preferences


class ToolCallRecord(TypedDict):
    """One tool call that was made, without its content."""

    tool: str
    succeeded: bool
    seconds: float


class Input(TypedDict):
    """What a caller sends: the new messages."""

    messages: Annotated[list[AnyMessage], add_messages]


class Output(TypedDict):
    """What a caller gets: the conversation, and what went wrong in this run, if anything."""

    messages: Annotated[list[AnyMessage], add_messages]
    error: str | None


class State(TypedDict, total=False):
    """The whole state. Only the fields of `Output` ever leave the graph."""

    messages: Annotated[list[AnyMessage], add_messages]
    error: str | None
    answered_id: str
    """The last answer. A last message with this id means the input added nothing new."""
    started_at: Annotated[float, UntrackedValue]
    memory_context: Annotated[str, UntrackedValue]
    preferences: Annotated[Preferences, UntrackedValue]
    tool_calls: Annotated[list[ToolCallRecord], UntrackedValue]
    processing_seconds: Annotated[float, UntrackedValue]


class Update(TypedDict, total=False):
    """What a node may write: fields of `State`, without their reducers."""

    messages: object
    error: str | None
    answered_id: str
    started_at: float
    memory_context: str
    preferences: Preferences
    tool_calls: list[ToolCallRecord]
    processing_seconds: float
