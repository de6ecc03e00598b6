"""What LangGraph streams about checkpoints and tasks, as the protocol shows it."""

from collections.abc import Mapping
from typing import Any

CHECKPOINT_KEYS = ("checkpoint_id", "thread_id", "checkpoint_ns", "checkpoint_map")
"""What of a configuration says where a checkpoint is, in the protocol's order."""


def checkpoint_of(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Where the configuration points; None when there is none."""
    place = (config or {}).get("configurable") or {}
    return {key: place[key] for key in CHECKPOINT_KEYS if key in place} or None


def without_internals(data: Any) -> Any:
    """`data` without LangGraph's private configuration, which is neither JSON nor news."""
    if not isinstance(data, Mapping):
        return data
    cleaned = dict(data)
    for key in ("config", "parent_config"):
        if isinstance(cleaned.get(key), Mapping):
            cleaned[key] = _public_config(cleaned[key])
    return cleaned


def debug_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """A frame of the mode debug; one of a checkpoint says where that and its parent are."""
    payload = without_internals(data["payload"])
    if data.get("type") == "checkpoint":
        payload["checkpoint"] = checkpoint_of(payload.get("config"))
        payload["parent_checkpoint"] = checkpoint_of(payload.get("parent_config"))
        payload["tasks"] = [_task(each) for each in payload.get("tasks") or ()]
    return {**data, "payload": payload}


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task; the place of a subgraph's state stands for the state."""
    shown = dict(task)
    if isinstance(task.get("state"), Mapping) and "configurable" in task["state"]:
        shown["checkpoint"] = checkpoint_of(shown.pop("state"))
    return shown


def _public_config(config: Mapping[str, Any]) -> dict[str, Any]:
    configurable = {
        key: value
        for key, value in (config.get("configurable") or {}).items()
        if not key.startswith("__")
    }
    return {**config, "configurable": configurable}
