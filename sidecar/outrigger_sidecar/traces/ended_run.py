"""Reads the end of one run of a trace: what it was, how long it took, how it came out.

Nothing here looks at inputs; outputs are looked at for a model's tokens alone, and only when
the metadata have none.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from outrigger_sidecar.relay.operation import RunOperation
from outrigger_telemetry import gen_ai_names as gen_ai

LONGEST_NAME = 128
LONGEST_PARSED = 256 * 1024
"""Bytes of metadata or outputs that are still worth parsing; usual are one or two thousand."""

UNKNOWN = "unknown"
_NODE_TAG = "graph:step:"
_ENTRY = "__start__"
_TASK_TAG = "seq:step:1"
_TASK_PATH_LENGTH = 4
# The repr of an exception, or what JavaScript writes: no other text may become a label.
_ERROR_CLASS = re.compile(
    rb'"(?:([A-Za-z_][\w.]{0,127})\(|([A-Za-z_][\w.]{0,127}(?:Error|Exception|Interrupt|Command)):)'
)
_FIRST_CHUNK = re.compile(
    rb'"name"\s*:\s*"%s"\s*,\s*"time"\s*:\s*"([^"]+)"' % gen_ai.TRACE_FIRST_CHUNK_EVENT.encode()
)
_QUESTIONS = frozenset({"GraphInterrupt", "NodeInterrupt"})
_CUTS = frozenset({"CancelledError", "GraphDrained"})
_DETOURS = frozenset({"ParentCommand"})
RECURSION_ERROR = "GraphRecursionError"


@dataclass(frozen=True, slots=True)
class EndedRun:
    """What the end of a run says, read from the one operation that carries it."""

    operation: RunOperation
    extra: Mapping[str, Any]
    metadata: Mapping[str, Any]
    seconds: float
    error_class: str | None
    """None when there was no error, the empty string when its class is not known."""

    @property
    def name(self) -> str:
        """What the run is called."""
        return text(self.operation.fields.get("name"))

    @property
    def run_type(self) -> object:
        """llm, tool, chain or something else."""
        return self.operation.fields.get("run_type")

    @property
    def node(self) -> str | None:
        """The node or task of which this is a call; None for what runs inside, and for graphs."""
        node = self.metadata.get("langgraph_node")
        if not isinstance(node, str) or node == _ENTRY:
            return None
        tags = self.operation.fields.get("tags") or ()
        is_call = any(isinstance(tag, str) and tag.startswith(_NODE_TAG) for tag in tags)
        return text(node) if is_call or self._is_task(node, tags) else None

    def _is_task(self, name: str, tags: Collection[object]) -> bool:
        """True for a `@task` of the functional API, which has a path but no tag of its own."""
        path = self.metadata.get("langgraph_path")
        return (
            self.operation.fields.get("name") == name
            and _TASK_TAG in tags
            and isinstance(path, list)
            and len(path) == _TASK_PATH_LENGTH
            and path[0] == "__pregel_push"
        )

    @property
    def outcome(self) -> str:
        """How a node or a tool came out: a question or a detour is no error."""
        if self.error_class is None or self.error_class in _DETOURS:
            return "success"
        if self.error_class in _QUESTIONS:
            return "interrupted"
        return "cancelled" if self.error_class in _CUTS else "error"

    @property
    def is_recursion_error(self) -> bool:
        """True when a graph, or a node around it, ended at the recursion limit."""
        return self.error_class == RECURSION_ERROR

    @property
    def error_type(self) -> str:
        """The class of the error as the conventions for generative AI want it."""
        if self.error_class is None:
            return gen_ai.NO_ERROR
        return self.error_class or gen_ai.OTHER_ERROR

    @property
    def provider(self) -> str:
        """Who serves the model."""
        return text(self.metadata.get(gen_ai.TRACE_PROVIDER))

    @property
    def model(self) -> str:
        """The model that was called."""
        named = self.metadata.get(gen_ai.TRACE_MODEL)
        if not isinstance(named, str):
            asked = self.extra.get("invocation_params")
            if isinstance(asked, Mapping):
                named = asked.get("model") or asked.get("model_name")
        return text(named)

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The tokens of a model's answer."""
        usage = self.metadata.get(gen_ai.TRACE_USAGE)
        if usage is None:
            usage = _usage_in(self.operation.outputs)
        return usage if isinstance(usage, Mapping) else None

    @property
    def first_chunk_seconds(self) -> float | None:
        """Time until a streamed answer began; None when it came at once."""
        found = _FIRST_CHUNK.search(self.operation.events or b"")
        if found is None:
            return None
        return _seconds(self.operation.fields.get("start_time"), found[1].decode())


def read_end(operation: RunOperation) -> EndedRun:
    """Read an operation that has an `end_time`.

    Raises:
        ValueError: It has times or metadata that are none.
    """
    fields = operation.fields
    extra = read_extra(operation)
    metadata = extra.get("metadata")
    return EndedRun(
        operation,
        extra,
        metadata if isinstance(metadata, Mapping) else {},
        _seconds(fields.get("start_time"), fields.get("end_time")),
        error_class(operation.error),
    )


def read_extra(operation: RunOperation) -> Mapping[str, Any]:
    """Read what the run was called with, and the metadata in it.

    Raises:
        ValueError: It is no JSON object, or too long to be read for this.
    """
    if not operation.extra:
        return {}
    if len(operation.extra) > LONGEST_PARSED:
        msg = "more than metadata should be"
        raise ValueError(msg)
    extra = orjson.loads(operation.extra)
    return extra if isinstance(extra, dict) else {}


def error_class(raw: bytes | None) -> str | None:
    """The class of an error, without its module; see `EndedRun.error_class`."""
    if not raw or raw in {b"null", b'""'}:
        return None
    found = _ERROR_CLASS.match(raw)
    if found is None:
        return ""
    return (found[1] or found[2]).decode().rpartition(".")[2]


def text(value: object) -> str:
    """A value as a label: no longer than is sensible, and never empty."""
    return value[:LONGEST_NAME] if isinstance(value, str) and value else UNKNOWN


def _seconds(start: object, end: object) -> float:
    return max(0.0, (_time(end) - _time(start)).total_seconds())


def _time(value: object) -> datetime:
    if isinstance(value, str):
        time = datetime.fromisoformat(value)
        return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC)  # JavaScript's milliseconds
    msg = "no time"
    raise ValueError(msg)


def _usage_in(outputs: bytes | None) -> object:
    if not outputs or len(outputs) > LONGEST_PARSED:
        return None
    if b'"usage_metadata"' not in outputs:
        return None
    content = orjson.loads(outputs)
    if not isinstance(content, dict):
        return None
    return content.get(gen_ai.TRACE_USAGE) or _usage_of_message(content.get("generations"))


def _usage_of_message(generations: Any) -> object:
    """Older versions of LangChain leave the tokens in the message."""
    try:
        return generations[0][0]["message"]["kwargs"][gen_ai.TRACE_USAGE]
    except (LookupError, TypeError):
        return None
