"""One operation of a trace as the relay reads it, and who looks at it on its way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class RunOperation:
    """One `post` or `patch` of a run, as LangSmith's SDK sends it.

    The byte fields are raw JSON, parsed by who needs them; None where there is no such part.
    """

    kind: Literal["post", "patch"]
    run_id: str
    trace_id: str
    fields: Mapping[str, Any]
    """The base JSON: name, run_type, times, tags, parent_run_id, dotted_order, session_name."""
    error: bytes | None
    """The part `.error`, or the field `error` of a batch's body."""
    extra: bytes | None
    """The part `.extra`; metadata and runtime are in it."""
    events: bytes | None
    outputs: bytes | None
    """Only looked at where a figure cannot be had otherwise."""


class Deriver(Protocol):
    """Looks at each operation as it comes in."""

    def observe(self, operation: RunOperation) -> None:
        """Take note of an operation. Never raises and never blocks."""
