"""What a client may ask about threads and their state."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from langgraph.types import StateUpdate
from pydantic import AfterValidator, Field

from outrigger_server.api.wire.fields import (
    MAX_PAGE,
    CheckpointBody,
    Limit,
    Offset,
    Searched,
    Wanted,
    WireModel,
)
from outrigger_server.api.wire.runs import CommandBody
from outrigger_server.domain.thread import ThreadStatus, Ttl, TtlStrategy
from outrigger_server.graphs.invoke import to_command

MOST_MINUTES = 5_256_000
"""Ten years: what is to stay for longer needs no time to live."""

MOST_EXTRACTS = 10


class TtlBody(WireModel):
    """How long a thread stays, in minutes from now, and what happens then."""

    ttl: Annotated[float, Field(gt=0, le=MOST_MINUTES, allow_inf_nan=False)]
    strategy: TtlStrategy = TtlStrategy.DELETE

    @property
    def value(self) -> Ttl:
        """The same inside the server."""
        return Ttl(self.ttl, self.strategy)


class SuperstepUpdate(WireModel):
    """What one node of a superstep would have written."""

    as_node: str
    values: dict[str, Any] | list[dict[str, Any]] | None = None
    command: CommandBody | None = None

    @property
    def update(self) -> StateUpdate:
        """The same for LangGraph."""
        values: Any = self.values
        if self.command is not None:
            values = to_command(self.command.model_dump(exclude_unset=True))
        return StateUpdate(values, self.as_node)


class Superstep(WireModel):
    """Updates that belong together."""

    updates: Annotated[list[SuperstepUpdate], Field(min_length=1, max_length=MAX_PAGE)]


class ThreadCreate(WireModel):
    """The body of a thread's creation."""

    thread_id: UUID | None = None
    metadata: dict[str, Any] | None = None
    if_exists: Literal["raise", "do_nothing"] = "raise"
    ttl: TtlBody | None = None
    supersteps: Annotated[list[Superstep], Field(max_length=MAX_PAGE)] | None = None


class ThreadPatch(WireModel):
    """The body of a thread's change."""

    metadata: dict[str, Any] | None = None
    ttl: TtlBody | None = None


class ThreadPrune(WireModel):
    """Which threads are to be pruned, and what is left of them."""

    thread_ids: Annotated[list[UUID], Field(max_length=MAX_PAGE)]
    strategy: TtlStrategy = TtlStrategy.DELETE


_PLAIN_KEY = re.compile(r"[\w-]+")


def _plain_keys(wanted: dict[str, Any] | None) -> dict[str, Any] | None:
    for key in wanted or {}:
        if not _PLAIN_KEY.fullmatch(key):
            msg = f"{key!r} cannot be searched for: give keys of letters, digits, _ and -"
            raise ValueError(msg)
    return wanted


Filter = Annotated[Searched, AfterValidator(_plain_keys)]


class ThreadCount(WireModel):
    """Which threads are wanted."""

    metadata: Wanted = None
    values: Wanted = None
    ids: Annotated[list[UUID], Field(max_length=MAX_PAGE)] | None = None
    status: ThreadStatus | None = None


class ThreadSearch(ThreadCount):
    """Which page of them is wanted, and what of each."""

    limit: Limit = 10
    offset: Offset = 0
    sort_by: (
        Literal["thread_id", "status", "created_at", "updated_at", "state_updated_at"] | None
    ) = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[str] | None = None
    extract: Annotated[dict[str, str], Field(max_length=MOST_EXTRACTS)] | None = None


class StateUpdateBody(WireModel):
    """A change of a thread's state."""

    values: Any = None
    as_node: str | None = None
    checkpoint: CheckpointBody | None = None
    checkpoint_id: str | None = None


class HistoryBody(WireModel):
    """Which states of the history are wanted."""

    limit: Limit = 1
    before: str | dict[str, Any] | None = None
    metadata: Filter = None
    checkpoint: CheckpointBody | None = None


class StateAtCheckpointBody(WireModel):
    """Which state is wanted."""

    checkpoint: CheckpointBody
    subgraphs: bool = False
