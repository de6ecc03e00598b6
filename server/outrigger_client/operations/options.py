"""What may be said about a run, as the SDK takes it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from langgraph_sdk.schema import (
    All,
    Checkpoint,
    Command,
    Config,
    Context,
    Durability,
    IfNotExists,
    Input,
    RunCreateMetadata,
    StreamMode,
)
from typing_extensions import TypedDict

Strategy: TypeAlias = Literal["reject", "enqueue", "interrupt", "rollback"]
"""What a run does to those that it meets on its thread."""


class RunOptions(TypedDict, total=False):
    """Everything but the thread, the assistant and what the called method decides itself."""

    input: Input | None
    command: Command | None
    stream_mode: StreamMode | Sequence[StreamMode]
    stream_subgraphs: bool
    metadata: Mapping[str, Any] | None
    config: Config | None
    context: Context | None
    checkpoint: Checkpoint | None
    checkpoint_id: str | None
    interrupt_before: All | Sequence[str] | None
    interrupt_after: All | Sequence[str] | None
    webhook: str | None
    if_not_exists: IfNotExists | None
    after_seconds: int | None
    headers: Mapping[str, str] | None
    durability: Durability | None
    on_run_created: Callable[[RunCreateMetadata], None] | None
