"""What a client may ask about assistants."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from outrigger_server.api.wire.fields import (
    Limit,
    Offset,
    PlainText,
    SearchedText,
    Wanted,
    WireModel,
)

AssistantField = Literal[
    "assistant_id",
    "graph_id",
    "name",
    "description",
    "config",
    "context",
    "metadata",
    "version",
    "created_at",
    "updated_at",
]


class AssistantConfig(BaseModel):
    """An assistant's configuration; what is not named here is kept as it comes."""

    model_config = ConfigDict(extra="allow")

    tags: list[str] | None = None
    recursion_limit: Annotated[int, Field(ge=1)] | None = None
    max_concurrency: Annotated[int, Field(ge=1)] | None = None
    configurable: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


class AssistantCreate(WireModel):
    """The body of an assistant's creation."""

    graph_id: str
    assistant_id: str | None = None
    config: AssistantConfig | None = None
    context: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    if_exists: Literal["raise", "do_nothing"] = "raise"
    name: PlainText | None = None
    description: PlainText | None = None


class AssistantPatch(WireModel):
    """The body of an assistant's change; null leaves a field as it is, but for the description."""

    graph_id: str | None = None
    config: AssistantConfig | None = None
    context: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    name: PlainText | None = None
    description: PlainText | None = None


class AssistantCount(WireModel):
    """Which assistants are counted."""

    graph_id: SearchedText = None
    metadata: Wanted = None
    name: SearchedText = None


class AssistantSearch(AssistantCount):
    """Which assistants are wanted."""

    sort_by: Literal["assistant_id", "graph_id", "name", "created_at", "updated_at"] | None = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[AssistantField] | None = None
    limit: Limit = 10
    offset: Offset = 0


class VersionsSearch(WireModel):
    """Which versions of an assistant are wanted."""

    metadata: Wanted = None
    limit: Limit = 10
    offset: Offset = 0


class LatestVersion(WireModel):
    """Which version is to be the latest."""

    version: Annotated[int, Field(ge=1, lt=2**31)]
