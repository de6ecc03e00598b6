"""Writes figures as text: Markdown tables, and medians with their range."""

from collections.abc import Sequence

from benchmarks.engine.figures import Spread

NONE = "-"

Row = Sequence[str]


def table(head: Row, rows: Sequence[Row]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(found: Spread | None, digits: int = 1) -> str:
    """Return the median and, when the rounds differ, the range."""
    if found is None:
        return NONE
    median, low, high = (f"{each:,.{digits}f}" for each in (found.median, found.low, found.high))
    return median if low == high else f"{median} ({low} to {high})"


def percent(share: float | None) -> str:
    """Return a share as text."""
    return NONE if share is None else f"{share:.0%}"
