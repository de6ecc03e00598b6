"""What clients of the graph know of it: what they send, and what must come back.

Not the graph itself: importing that takes a client as long as importing LangGraph.
"""

from typing import Any

ASSISTANT = "chain"
MARKS = ("input", "one", "two", "three", "four")


def run_input(seconds: float = 0.0) -> dict[str, Any]:
    """Return the input of one run, whose second node sleeps so long."""
    return {"log": [MARKS[0]], "seconds": seconds}


def run_body(seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return the body of a request that creates a run."""
    return {"assistant_id": ASSISTANT, "input": run_input(seconds), **more}


def is_whole(values: object, *, before: tuple[str, ...] = ()) -> bool:
    """True when the log holds what a run leaves, each mark once and in order, after `before`."""
    return isinstance(values, dict) and values.get("log") == [*before, *MARKS]
