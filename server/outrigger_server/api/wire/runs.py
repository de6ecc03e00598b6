"""What a client may ask of a new run."""

from typing import Annotated, Any, Literal

from pydantic import Field

from outrigger_server.api.wire.fields import (
    CheckpointBody,
    ConfigBody,
    NotYet,
    StreamModes,
    WireModel,
)
from outrigger_server.domain.multitask import MultitaskStrategy

MAX_DELAY_SECONDS = 10 * 365 * 86_400

Nodes = Literal["*"] | list[str] | None


class CommandBody(WireModel):
    """A command in place of an input."""

    update: Any = None
    resume: Any = None
    goto: Any = None


class RunCreate(WireModel):
    """The body of a run's creation."""

    assistant_id: str
    input: Any = None
    command: CommandBody | None = None
    metadata: dict[str, Any] | None = None
    config: ConfigBody | None = None
    context: dict[str, Any] | None = None
    checkpoint: CheckpointBody | None = None
    checkpoint_id: str | None = None
    interrupt_before: Nodes = None
    interrupt_after: Nodes = None
    stream_mode: StreamModes = Field(default=["values"])
    stream_subgraphs: bool = False
    stream_resumable: bool = False
    on_disconnect: Literal["cancel", "continue"] = "continue"
    multitask_strategy: MultitaskStrategy = MultitaskStrategy.ENQUEUE
    if_not_exists: Literal["create", "reject"] = "reject"
    after_seconds: Annotated[float, Field(ge=-1, le=MAX_DELAY_SECONDS, allow_inf_nan=False)] = 0.0
    durability: Literal["sync", "async", "exit"] | None = None
    checkpoint_during: bool | None = None
    webhook: NotYet = None
    feedback_keys: list[str] | None = None
