"""A run's context in the shape that its graph's author asked for."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from outrigger_server.graphs.source import Graph


def context_for(graph: Graph, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """What of the context the graph is called with; None when there is nothing to give.

    What is configurable is context too, and may name more than a class has fields: such keys are
    left out, as LangGraph would refuse the run. A class that needs nothing is made all the same.
    """
    fields = _fields(graph.context_schema)
    if fields is None:
        return dict(given) or None
    fitting = {key: value for key, value in given.items() if key in fields}
    return fitting if fitting or not any(fields.values()) else None


def _fields(schema: Any) -> dict[str, bool] | None:
    """The names that a class takes, with whether it needs them; None when any will do."""
    if not isinstance(schema, type):
        return None
    if issubclass(schema, BaseModel):
        if schema.model_config.get("extra") == "allow":
            return None
        return {
            each.alias or name: each.is_required() for name, each in schema.model_fields.items()
        }
    if dataclasses.is_dataclass(schema):
        missing = dataclasses.MISSING
        return {
            each.name: each.default is missing and each.default_factory is missing
            for each in dataclasses.fields(schema)
            if each.init
        }
    return None
