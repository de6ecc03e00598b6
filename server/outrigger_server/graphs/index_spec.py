"""How items of the store are indexed by meaning: `store.index` of langgraph.json."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outrigger_server.graphs.graph_spec import GraphSpec

MOST_DIMS = 16_000

Place = Callable[[str, str], GraphSpec | None]
"""Reads where a key's text says that something is, and notes what is wrong with it."""
Fault = Callable[[str, str], None]
"""Notes what is wrong with a key."""


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """How items of the store are indexed by meaning."""

    embed: str
    """As the user wrote it: `provider:model`, or where a function is."""
    place: GraphSpec | None
    """Where the function is; None for a provider's model."""
    dims: int
    fields: tuple[str, ...]


def read_index(entry: Any, place: Place, fault: Fault) -> IndexSpec | None:
    """Read how items are indexed; an empty object asks for nothing."""
    if not entry:
        return None
    if not isinstance(entry, dict):
        fault("store.index", "must be an object")
        return None
    embed, dims, fields = entry.get("embed"), entry.get("dims"), entry.get("fields", ["$"])
    if not isinstance(embed, str) or ":" not in embed:
        fault(
            "store.index.embed",
            'must be "provider:model", "./file.py:variable" or "package.module:variable"',
        )
        return None
    if not isinstance(dims, int) or isinstance(dims, bool) or not 0 < dims <= MOST_DIMS:
        fault("store.index.dims", f"must be a whole number from 1 to {MOST_DIMS}")
        return None
    if not isinstance(fields, list) or not all(isinstance(each, str) for each in fields):
        fault("store.index.fields", "must be a list of texts")
        return None
    is_function = any(mark in embed.rpartition(":")[0] for mark in "./")
    found = place("store.index.embed", embed) if is_function else None
    return IndexSpec(embed, found, dims, tuple(fields))
