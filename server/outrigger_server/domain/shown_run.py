"""A run as the protocol shows it, in answers and in webhooks."""

from typing import Any

from outrigger_server.domain.clock import to_iso
from outrigger_server.domain.run import START_KEYS, Run

RUN_FIELDS = (
    "run_id",
    "thread_id",
    "assistant_id",
    "metadata",
    "status",
    "kwargs",
    "multitask_strategy",
    "created_at",
    "updated_at",
    "langsmith_session_name",
)
"""What a shown run has, in this order."""


def run_json(run: Run) -> dict[str, Any]:
    """A run."""
    return {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "assistant_id": run.assistant_id,
        "metadata": run.metadata,
        "status": run.status.value,
        "kwargs": _kwargs(run),
        "multitask_strategy": run.multitask_strategy,
        "created_at": to_iso(run.created_at),
        "updated_at": to_iso(run.updated_at),
        "langsmith_session_name": (run.kwargs.get("langsmith_tracer") or {}).get("project_name"),
    }


def _kwargs(run: Run) -> dict[str, Any]:
    """What the run was asked with; its configuration shows its metadata and where it starts."""
    shown = dict(run.kwargs)
    config = dict(shown.get("config") or {})
    start = {key: shown.pop(key) for key in START_KEYS if key in shown}
    if start.get("checkpoint_id") is not None:
        config["configurable"] = {**(config.get("configurable") or {}), **start}
    return {**shown, "config": {**config, "metadata": run.metadata}}
