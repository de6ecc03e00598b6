"""What a client tells its hook, for metrics and logs. It counts nothing itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class RequestEnded:
    """A request is over, with all of its tries. A stream: its answer has begun."""

    method: str
    route: str
    """The path with `{id}` in place of ids: fit for a label."""
    path: str
    """The path itself: for logs, never for a label."""
    status: int | None
    """None when there was no answer."""
    error: str | None
    """The class of the error when there was no answer."""
    seconds: float
    tries: int


@dataclass(frozen=True, slots=True)
class RequestRepeated:
    """A request will be sent again after a pause."""

    method: str
    route: str
    reason: str
    """The code of the answer, such as `503`, or the class of the error."""
    pause_seconds: float
    number: int
    """Of the try that failed, from 1."""


@dataclass(frozen=True, slots=True)
class StreamResumed:
    """A stream broke and goes on where it was."""

    route: str
    reason: str
    last_event_id: str | None


@dataclass(frozen=True, slots=True)
class StreamGap:
    """The server says that it has lost events of this stream; the thread's state has the rest."""

    route: str


@dataclass(frozen=True, slots=True)
class AssistantLookedUp:
    """An assistant was asked for."""

    cached: bool


Event: TypeAlias = RequestEnded | RequestRepeated | StreamResumed | StreamGap | AssistantLookedUp
Hook: TypeAlias = Callable[[Event], None]
"""Called in line with the request: it must be quick, and what it raises reaches the caller."""


def no_hook(_: Event) -> None:
    """Tell nobody."""
