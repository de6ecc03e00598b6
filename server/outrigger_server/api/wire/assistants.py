"""What a client may ask about assistants."""

from typing import Any

from outrigger_server.api.wire.fields import Limit, Offset, WireModel


class AssistantSearch(WireModel):
    """Which assistants are wanted."""

    graph_id: str | None = None
    metadata: dict[str, Any] | None = None
    name: str | None = None
    limit: Limit = 10
    offset: Offset = 0
