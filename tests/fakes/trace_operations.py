"""Makes trace operations as LangSmith's SDK sends them, with what a test says of them."""

import itertools
from typing import Any

import orjson

from outrigger_sidecar.relay.operation import RunOperation

TRACE = "11111111-1111-1111-1111-111111111111"
START = "2026-01-02T03:04:05.000000+00:00"
END = "2026-01-02T03:04:07.500000+00:00"

_numbers = itertools.count(1)


def operation(
    name: str = "step",
    *,
    run_id: str | None = None,
    trace_id: str = TRACE,
    parent: str | None = TRACE,
    place: str | None = None,
    error: str | None = None,
    metadata: Any = None,
    events: Any = None,
    outputs: Any = None,
    **fields: Any,
) -> RunOperation:
    """The end of a run inside the trace, unless the fields say otherwise."""
    run_id = run_id or f"run-{next(_numbers)}"
    base = {
        "name": name,
        "run_type": "chain",
        "start_time": START,
        "end_time": END,
        "parent_run_id": parent,
        "dotted_order": place or f"{trace_id}.{run_id}",
        "tags": [],
    }
    return RunOperation(
        "patch",
        run_id,
        trace_id,
        base | fields,
        None if error is None else orjson.dumps(error),
        orjson.dumps({"metadata": metadata or {}}),
        None if events is None else orjson.dumps(events),
        None if outputs is None else orjson.dumps(outputs),
    )


def root(name: str = "graph", *, trace_id: str = TRACE, **given: Any) -> RunOperation:
    """The end of a whole trace."""
    place = given.pop("place", trace_id)
    return operation(name, run_id=trace_id, trace_id=trace_id, parent=None, place=place, **given)


def call(node: str, *, step: str | None = None, **given: Any) -> RunOperation:
    """The end of a call of a node."""
    metadata = {
        "langgraph_node": node,
        "langgraph_checkpoint_ns": step or f"{node}:{next(_numbers)}",
        "graph_id": "graph",
    }
    given["metadata"] = metadata | given.get("metadata", {})
    return operation(node, **{"tags": ["graph:step:1"], **given})


def answer(usage: Any = None, **given: Any) -> RunOperation:
    """The end of a call of a model."""
    metadata = {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini"}
    if usage is not None:
        metadata["usage_metadata"] = usage
    given["metadata"] = metadata | given.get("metadata", {})
    return operation("Model", run_type="llm", **given)


class HandClock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
