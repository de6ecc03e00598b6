"""What a thread is and how its status follows from its runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.domain.run import ThreadId


class ThreadStatus(StrEnum):
    """Where a thread stands; the values are the protocol's."""

    IDLE = "idle"
    BUSY = "busy"
    INTERRUPTED = "interrupted"
    ERROR = "error"


class TtlStrategy(StrEnum):
    """What becomes of a thread whose time is over; the values are the protocol's."""

    DELETE = "delete"
    KEEP_LATEST = "keep_latest"


@dataclass(frozen=True, slots=True)
class Ttl:
    """How long a thread stays, counted from when that was said, and what happens then."""

    minutes: float
    strategy: TtlStrategy = TtlStrategy.DELETE

    def ends_at(self, now: int) -> int:
        """When the time is over that begins now, in microseconds."""
        return now + round(self.minutes * 60 * MICROSECONDS)


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation. `values` and `interrupts` are JSON texts; times are microseconds."""

    thread_id: ThreadId
    created_at: int
    updated_at: int
    state_updated_at: int
    metadata: dict[str, Any]
    config: dict[str, Any]
    status: ThreadStatus
    values: str | None = None
    error: dict[str, Any] | None = None
    interrupts: str | None = None
    ttl: Ttl | None = None
    expires_at: int | None = None


def config_after(
    before: Mapping[str, Any], assistant: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """A thread's configuration once a run of `assistant` was made on it.

    What the run was `given` counts most, the assistant's least; what is configurable comes from
    assistants alone.
    """
    configurable = {**assistant.get("configurable", {}), **before.get("configurable", {})}
    return {**assistant, **before, **given, "configurable": configurable}


@dataclass(frozen=True, slots=True)
class ThreadOutcome:
    """What the end of a run leaves on its thread: the head of the history, as JSON texts.

    `values` and `interrupts` are None when they could not be read; the row keeps its own.
    """

    values: str | None
    interrupts: str | None
    has_next: bool
    error: dict[str, Any] | None = None
    failed: bool = False

    @property
    def rest_status(self) -> ThreadStatus:
        """The thread's status once nothing is in flight."""
        if self.failed:
            return ThreadStatus.ERROR
        return ThreadStatus.INTERRUPTED if self.has_next else ThreadStatus.IDLE


UNREADABLE = ThreadOutcome(values=None, interrupts=None, has_next=False)
"""What is known of a thread whose state cannot be read: its row keeps what it has."""
