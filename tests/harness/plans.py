"""Reads what PostgreSQL's EXPLAIN tells as JSON."""

from collections.abc import Iterator
from typing import Any

Step = dict[str, Any]


def steps_of(plan: Step) -> Iterator[Step]:
    """Every step of a plan, the outermost first."""
    yield plan
    for child in plan.get("Plans", []):
        yield from steps_of(child)


def touched(step: Step) -> int:
    """The rows that a step looked at; the plan must be of EXPLAIN ANALYZE."""
    kept = step["Actual Rows"] + step.get("Rows Removed by Filter", 0)
    return int(kept * step["Actual Loops"])
