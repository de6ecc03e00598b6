"""What the server keeps: threads and runs, and how the protocol shows them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from fakes.graph_server.checkpoints import History
from fakes.graph_server.clock import Signal, SimulatedClock
from fakes.graph_server.events import EventLog

EPOCH_MICROSECONDS = 1_800_000_000_000_000


class Status(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    INTERRUPTED = "interrupted"


IN_FLIGHT = frozenset({Status.PENDING, Status.RUNNING})


class Action(StrEnum):
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


@dataclass(slots=True)
class RunEnd:
    """How a run ended, for those who wait for it: a status, or what stands in for one."""

    status: str
    body: bytes
    error: dict[str, str] | None = None


@dataclass(slots=True, eq=False)
class RunRow:
    run_id: str
    thread: "ThreadRow"
    assistant_id: str
    graph_id: str
    strategy: str
    kwargs: dict[str, Any]
    created_at: int  # microseconds; in the future for a delayed run
    seq: int
    events: EventLog
    told: Signal  # to stop
    ended: Signal
    status: Status = Status.PENDING
    updated_at: int = 0
    attempt: int = 0
    cancel_action: Action | None = None
    cancel_message: str = ""
    superseded_by: str = ""
    end: RunEnd | None = None
    started_at: int = 0  # by the simulated clock
    # What only faults ask for.
    accepted_at: int = 0
    waited: bool = False  # another run was in flight when it was created
    head_then: str = ""  # head of the history when it was created
    question_then: str = ""  # token of the question that was open when it was created
    victims: tuple["RunRow", ...] = ()
    lost: bool = False

    @property
    def order(self) -> tuple[int, int]:
        return self.created_at, self.seq

    @property
    def in_flight(self) -> bool:
        return self.status in IN_FLIGHT


@dataclass(slots=True, eq=False)
class ThreadRow:
    thread_id: str
    created_at: int
    history: History
    changed: Signal
    updated_at: int = 0
    runs: dict[str, RunRow] = field(default_factory=dict)
    graph_id: str = ""
    assistant_id: str = ""
    values: dict[str, Any] | None = None
    interrupts: dict[str, Any] | None = None
    error: dict[str, str] | None = None
    failed: bool = False
    working: bool = False
    # What only faults ask for.
    strays: list[str] = field(default_factory=list)  # marks that will land where they must not
    strays_kept: list[str] = field(default_factory=list)  # ... in the values it shows
    refused_idle: bool = False
    cutter_at: int = 0  # when the last run came whose strategy cuts
    neighbour: "ThreadRow | None" = None  # the thread made before this one

    def in_flight(self) -> list[RunRow]:
        """The pending and running runs, the next one to run first."""
        found = [run for run in self.runs.values() if run.status in IN_FLIGHT]
        found.sort(key=lambda run: run.order)
        return found

    def neighbour_mark(self) -> str:
        """The newest mark of the neighbour; empty when it has none."""
        head = self.neighbour.history.head if self.neighbour is not None else None
        return head.values["log"][-1] if head is not None and head.values["log"] else ""

    @property
    def status(self) -> str:
        if any(run.status in IN_FLIGHT for run in self.runs.values()):
            return "busy"
        if self.failed:
            return "error"
        head = self.history.head
        return "interrupted" if head is not None and head.next else "idle"


class Ids:
    """Ids and wall-clock times; an id made later sorts later."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._count = 0

    @property
    def count(self) -> int:
        return self._count

    def wall(self) -> int:
        """Microseconds since 1970."""
        return EPOCH_MICROSECONDS + self._clock.now() // 1000

    def new(self, version: int = 7) -> str:
        self._count += 1
        moment = f"{self.wall() // 1000:012x}"
        return f"{moment[:8]}-{moment[8:]}-{version}000-8000-{self._count:012x}"


def iso(microseconds: int) -> str:
    return f"{_second(microseconds // 1_000_000)}.{microseconds % 1_000_000:06d}+00:00"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def run_json(run: RunRow) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "thread_id": run.thread.thread_id,
        "assistant_id": run.assistant_id,
        "metadata": {"graph_id": run.graph_id, "assistant_id": run.assistant_id},
        "status": run.status.value,
        "kwargs": run.kwargs,
        "multitask_strategy": run.strategy,
        "created_at": iso(run.created_at),
        "updated_at": iso(run.updated_at),
        "langsmith_session_name": None,
    }


def thread_json(thread: ThreadRow) -> dict[str, Any]:
    metadata = {"graph_id": thread.graph_id, "assistant_id": thread.assistant_id}
    shown = {
        "thread_id": thread.thread_id,
        "created_at": iso(thread.created_at),
        "updated_at": iso(thread.updated_at),
        "state_updated_at": iso(thread.updated_at),
        "metadata": metadata if thread.graph_id else {},
        "status": thread.status,
        "config": {},
        "values": thread.values,
    }
    if thread.interrupts is not None or thread.error is not None:
        shown["error"] = thread.error
        shown["interrupts"] = thread.interrupts or {}
    return shown
