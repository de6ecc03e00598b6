"""Assistants: a graph with a name and a configuration, in versions.

Each graph has one that the system makes, which nobody can change.
"""

import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outrigger_server.errors import BadState

ASSISTANT_NAMESPACE = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
"""Namespace the protocol derives a graph's system assistant id from."""

BOTH_GIVEN = (
    "Cannot specify both configurable and context. Give config.configurable to graphs "
    "that read their configuration, context to graphs with a context schema."
)


@dataclass(frozen=True, slots=True)
class Assistant:
    """One assistant, as its latest version has it. Times are microseconds since the epoch, UTC."""

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

    @property
    def is_system(self) -> bool:
        """True for the one that the server makes for every graph."""
        return self.assistant_id == system_assistant_id(self.graph_id)


@dataclass(frozen=True, slots=True)
class AssistantVersion:
    """What an assistant was, or is, in one version."""

    assistant_id: str
    version: int
    graph_id: str
    name: str
    description: str | None
    config: dict[str, Any]
    context: dict[str, Any]
    metadata: dict[str, Any]
    created_at: int


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


def mirrored(
    config: Mapping[str, Any], context: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The same settings as configuration and as context, whichever of both was given.

    A context that is None and has nothing to be made of stays None: it was not given.

    Raises:
        BadState: Both were given.
    """
    configurable = config.get("configurable") or {}
    if configurable and context:
        raise BadState(BOTH_GIVEN)
    if configurable:
        return dict(config), dict(configurable)
    if context is None:
        return dict(config), None
    bare = {key: value for key, value in config.items() if key != "configurable"}
    return bare | ({"configurable": dict(context)} if context else {}), dict(context)
