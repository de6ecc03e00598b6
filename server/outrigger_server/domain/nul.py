"""The NUL character: PostgreSQL has it in no text, so nothing may ask for it there."""

from typing import Any

NUL = "\0"


def holds_nul(value: Any) -> bool:
    """True when a text in the JSON value, a key of it or the value itself has a NUL."""
    if isinstance(value, str):
        return NUL in value
    if isinstance(value, dict):
        return any(holds_nul(each) for pair in value.items() for each in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(holds_nul(each) for each in value)
    return False
