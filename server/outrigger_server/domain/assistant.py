"""Assistants: a graph with a name and a configuration. Each graph has one made by the system."""

import functools
import uuid
from dataclasses import dataclass
from typing import Any

ASSISTANT_NAMESPACE = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
"""Namespace the protocol derives a graph's system assistant id from."""


@dataclass(frozen=True, slots=True)
class Assistant:
    """One assistant. Times are microseconds since the epoch, UTC."""

    assistant_id: str
    graph_id: str
    name: str
    description: str | None
    config: dict[str, Any]
    context: dict[str, Any]
    metadata: dict[str, Any]
    version: int
    created_at: int
    updated_at: int


@functools.lru_cache(maxsize=1024)
def system_assistant_id(graph_id: str) -> str:
    """The id of a graph's system assistant: the same on every server."""
    return str(uuid.uuid5(ASSISTANT_NAMESPACE, graph_id))


def system_assistant(graph_id: str, description: str | None, now: int) -> Assistant:
    """The assistant that every graph has without anybody making one."""
    return Assistant(
        assistant_id=system_assistant_id(graph_id),
        graph_id=graph_id,
        name=graph_id,
        description=description,
        config={},
        context={},
        metadata={"created_by": "system"},
        version=1,
        created_at=now,
        updated_at=now,
    )
