"""One operation of a trace, as the relay hands it to what derives series from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class RunOperation:
    """One `post` or `patch` of a run, as LangSmith's SDK sends it."""

    kind: Literal["post", "patch"]
    run_id: str
    trace_id: str
    fields: Mapping[str, Any]
    """The base JSON: name, run_type, start_time, end_time, tags, parent_run_id, dotted_order…"""
    error: bytes | None
    """Raw JSON of the `.error` part, or of the field `error` of a batch body."""
    extra: bytes | None
    """Raw JSON of the `.extra` part: metadata and runtime are in it. Parsed by who needs it."""
    events: bytes | None
    """Raw JSON of the `.events` part."""
    outputs: bytes | None
    """Raw JSON; only looked at where a figure cannot be had otherwise."""


class Deriver(Protocol):
    """Makes series from operations. Never raises, never blocks."""

    def observe(self, operation: RunOperation) -> None:
        """Take note of one operation."""
        ...
