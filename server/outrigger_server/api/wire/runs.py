"""What a client may ask of a new run, and of runs to be cancelled."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from outrigger_server.api.wire.fields import (
    CheckpointBody,
    ConfigBody,
    StreamModes,
    WireModel,
)
from outrigger_server.domain.multitask import MultitaskStrategy

MAX_DELAY_SECONDS = 10 * 365 * 86_400
MAX_BATCH = 200
"""Runs that one request may create: they are one transaction."""

Nodes = Literal["*"] | list[str] | None


class CommandBody(WireModel):
    """A command in place of an input; what else it says is kept and does nothing."""

    model_config = ConfigDict(extra="allow")

    update: Any = None
    resume: Any = None
    goto: Any = None


class TracerBody(WireModel):
    """A second project of LangSmith that gets the run's trace, and the example it is a try of."""

    project_name: Annotated[str, Field(min_length=1)] | None = None
    example_id: UUID | None = None


class _RunBody(WireModel):
    """What every run may be asked with."""

    assistant_id: str
    input: Any = None
    command: CommandBody | None = None
    metadata: dict[str, Any] | None = None
    config: ConfigBody | None = None
    context: dict[str, Any] | None = None
    interrupt_before: Nodes = None
    interrupt_after: Nodes = None
    stream_mode: StreamModes = Field(default=["values"])
    stream_subgraphs: bool = False
    stream_resumable: bool = False
    on_disconnect: Literal["cancel", "continue"] = "continue"
    after_seconds: Annotated[float, Field(ge=-1, le=MAX_DELAY_SECONDS, allow_inf_nan=False)] = 0.0
    durability: Literal["sync", "async", "exit"] | None = None
    checkpoint_during: bool | None = None
    webhook: Annotated[str, Field(min_length=1)] | None = None
    feedback_keys: list[str] | None = None
    langsmith_tracer: TracerBody | None = None


class RunCreate(_RunBody):
    """The body of the creation of a run on a thread."""

    temporary: ClassVar[bool] = False

    checkpoint: CheckpointBody | None = None
    checkpoint_id: str | None = None
    multitask_strategy: MultitaskStrategy = MultitaskStrategy.ENQUEUE
    if_not_exists: Literal["create", "reject"] = "reject"


class StatelessRunCreate(_RunBody):
    """The body of the creation of a run on a new thread of its own.

    It has nothing to start from there, and nobody to meet.
    """

    checkpoint: ClassVar[None] = None
    checkpoint_id: ClassVar[None] = None
    multitask_strategy: ClassVar[MultitaskStrategy] = MultitaskStrategy.ENQUEUE
    if_not_exists: ClassVar[Literal["create"]] = "create"

    on_completion: Literal["delete", "keep"] = "delete"

    @property
    def temporary(self) -> bool:
        """True when the thread goes with the run."""
        return self.on_completion == "delete"


AnyRunCreate = RunCreate | StatelessRunCreate
RunBatch = Annotated[list[StatelessRunCreate], Field(min_length=1, max_length=MAX_BATCH)]


class CancelMany(WireModel):
    """Which runs to cancel: those with a status, or some of a thread."""

    status: Literal["pending", "running", "all"] | None = None
    thread_id: str | None = None
    run_ids: Annotated[list[str], Field(max_length=1000)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "CancelMany":
        some = self.thread_id is not None or self.run_ids is not None
        if self.status is not None and some:
            msg = (
                "When providing a 'status', 'thread_id' and 'run_ids' must be omitted. The "
                "'status' parameter cancels all runs with the given status, regardless of thread "
                "or run ID."
            )
            raise ValueError(msg)
        if self.status is None and (self.thread_id is None or self.run_ids is None):
            msg = "Give a 'status', or a 'thread_id' and its 'run_ids'."
            raise ValueError(msg)
        return self
