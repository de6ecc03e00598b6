"""What a client may ask about assistants."""

from typing import Any, Literal

from outrigger_server.api.wire.fields import (
    Limit,
    NotYet,
    Offset,
    SearchedText,
    WireModel,
)


class AssistantSearch(WireModel):
    """Which assistants are wanted."""

    graph_id: SearchedText = None
    metadata: dict[str, Any] | None = None
    name: SearchedText = None
    sort_by: Literal["assistant_id", "graph_id", "name", "created_at", "updated_at"] | None = None
    sort_order: Literal["asc", "desc"] | None = None
    select: NotYet = None
    limit: Limit = 10
    offset: Offset = 0
