"""What a run is, which statuses it passes through and what may follow what.

`docs/state-machine.md` draws `TRANSITIONS`. A rolled-back or deleted run has no row any more.
Not here: how a transition is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

RunId = NewType("RunId", str)
ThreadId = NewType("ThreadId", str)


class RunStatus(StrEnum):
    """Where a run stands; the values are the protocol's."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"

    @property
    def is_terminal(self) -> bool:
        """True when the status never changes any more."""
        return not TRANSITIONS[self]


TRANSITIONS: Mapping[RunStatus, Mapping[RunStatus, str]] = {
    RunStatus.PENDING: {
        RunStatus.RUNNING: "a worker claims it: the attempt counts up, its lease begins",
        RunStatus.INTERRUPTED: "it is interrupted before it started, by a newer run or a cancel",
    },
    RunStatus.RUNNING: {
        RunStatus.SUCCESS: "the graph came to its end, or to a question",
        RunStatus.ERROR: "the graph raised, or the last attempt lost its worker",
        RunStatus.TIMEOUT: "the time limit cut it",
        RunStatus.INTERRUPTED: "a newer run or a cancel cut it",
        RunStatus.PENDING: "its worker handed it back, or lost it with the lease",
    },
    RunStatus.SUCCESS: {},
    RunStatus.ERROR: {},
    RunStatus.TIMEOUT: {},
    RunStatus.INTERRUPTED: {},
}
"""Every legal step and what causes it; an empty row marks a terminal status."""

REMOVALS: Mapping[RunStatus, str] = {
    RunStatus.PENDING: "it is rolled back before it starts, or its thread is deleted",
    RunStatus.RUNNING: "the cut of a rollback is done, or its thread is deleted",
    RunStatus.SUCCESS: "it is deleted, or its thread",
    RunStatus.ERROR: "it is deleted, or its thread",
    RunStatus.TIMEOUT: "it is deleted, or its thread",
    RunStatus.INTERRUPTED: "it is deleted, or its thread",
}
"""What takes away the row of a run, in each status; no status stands for that."""


class CancelAction(StrEnum):
    """What becomes of a run that is told to stop, mildest first."""

    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"

    def or_stronger(self, other: "CancelAction | None") -> "CancelAction":
        """The action that wins when both were asked for: rollback outweighs interrupt."""
        return CancelAction.ROLLBACK if CancelAction.ROLLBACK in (self, other) else self


class RunOutcome(StrEnum):
    """How a run ended, finer than its status; the `outcome` of metrics and logs."""

    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolled_back"


START_KEYS = ("checkpoint_id", "checkpoint_ns", "checkpoint_map")
"""What of a run's kwargs says at which checkpoint it starts, if at one it was told.

One inside a subgraph has a namespace, and a map with the checkpoints around it.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the queue. Times are microseconds since the epoch, UTC."""

    run_id: RunId
    thread_id: ThreadId
    assistant_id: str
    graph_id: str
    status: RunStatus
    multitask_strategy: str
    metadata: dict[str, Any]
    kwargs: dict[str, Any]
    created_at: int
    updated_at: int
    attempt: int = 0
    handed_back: int = 0
    spent: int = 0
    """Microseconds that earlier attempts ran."""
    started_at: int | None = None
    ended_at: int | None = None
    cancel_action: CancelAction | None = None
    cancel_requested_at: int | None = None
    cancel_message: str | None = None
    superseded_by: RunId | None = None
    source: str = "api"
    request_id: str | None = None

    @property
    def token(self) -> "AttemptToken":
        """The fencing token of the run's present attempt."""
        return AttemptToken(self.run_id, self.attempt)


@dataclass(frozen=True, slots=True)
class AttemptToken:
    """Proof of holding a run: a write is refused when the row has another attempt."""

    run_id: RunId
    attempt: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may work on a run, and until when unless it is renewed, in microseconds."""

    owner: str
    until: int


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run as the caller asked for it, validated, not yet accepted."""

    run_id: RunId
    assistant_id: str
    graph_id: str
    multitask_strategy: str
    metadata: dict[str, Any]
    kwargs: dict[str, Any]
    after_seconds: float = 0.0
    source: str = "api"
    request_id: str | None = None
    thread_metadata: dict[str, Any] = field(default_factory=dict)
    new_thread_metadata: dict[str, Any] = field(default_factory=dict)
    """For a thread that is made with the run."""
    assistant_config: dict[str, Any] = field(default_factory=dict)
    given_config: dict[str, Any] = field(default_factory=dict)
    """What the caller gave beside the assistant's, but for what is configurable."""
