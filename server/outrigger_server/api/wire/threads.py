"""What a client may ask about threads and their state."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator

from outrigger_server.api.wire.fields import (
    CheckpointBody,
    Limit,
    NotYet,
    Offset,
    Searched,
    Wanted,
    WireModel,
)
from outrigger_server.domain.thread import ThreadStatus


class ThreadCreate(WireModel):
    """The body of a thread's creation."""

    thread_id: UUID | None = None
    metadata: dict[str, Any] | None = None
    if_exists: Literal["raise", "do_nothing"] = "raise"
    ttl: NotYet = None
    supersteps: NotYet = None


class ThreadPatch(WireModel):
    """The body of a thread's change."""

    metadata: dict[str, Any] | None = None
    ttl: NotYet = None


_PLAIN_KEY = re.compile(r"[\w-]+")


def _plain_keys(wanted: dict[str, Any] | None) -> dict[str, Any] | None:
    for key in wanted or {}:
        if not _PLAIN_KEY.fullmatch(key):
            msg = f"{key!r} cannot be searched for: give keys of letters, digits, _ and -"
            raise ValueError(msg)
    return wanted


Filter = Annotated[Searched, AfterValidator(_plain_keys)]


class ThreadSearch(WireModel):
    """Which threads are wanted."""

    metadata: Wanted = None
    values: Wanted = None
    ids: list[UUID] | None = None
    status: ThreadStatus | None = None
    limit: Limit = 10
    offset: Offset = 0
    sort_by: (
        Literal["thread_id", "status", "created_at", "updated_at", "state_updated_at"] | None
    ) = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[str] | None = None
    extract: NotYet = None


class StateUpdateBody(WireModel):
    """A change of a thread's state."""

    values: Any = None
    as_node: str | None = None
    checkpoint: CheckpointBody | None = None
    checkpoint_id: str | None = None


class HistoryBody(WireModel):
    """Which states of the history are wanted."""

    limit: Limit = 10
    before: str | dict[str, Any] | None = None
    metadata: Filter = None
    checkpoint: CheckpointBody | None = None


class StateAtCheckpointBody(WireModel):
    """Which state is wanted."""

    checkpoint: CheckpointBody
    subgraphs: bool = False
