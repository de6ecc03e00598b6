"""What a search takes out of threads: `{"last": "values.messages[-1].content"}`."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from outrigger_server.domain.thread import Thread
from outrigger_server.errors import InvalidRequest

ROOTS = ("config", "interrupts", "metadata", "values")

_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = re.compile(r"\w[\w-]*(?:\.\w[\w-]*|\[-?\d{1,9}\])*")
_STEP = re.compile(r"\[(-?\d+)\]|([\w-]+)")


@dataclass(frozen=True, slots=True)
class Extract:
    """One thing to take, and what to call it."""

    alias: str
    root: str
    steps: tuple[str | int, ...]


def read_extracts(given: Mapping[str, str]) -> tuple[Extract, ...]:
    """Read what a client asks for.

    Raises:
        InvalidRequest: A name or a path is none.
    """
    return tuple(_read(alias, path) for alias, path in given.items())


def _read(alias: str, path: str) -> Extract:
    if not _ALIAS.fullmatch(alias):
        raise InvalidRequest(
            f"Extract key '{alias}' must be a valid identifier (letters, digits, underscores)"
        )
    root = re.split(r"[.\[]", path, maxsplit=1)[0]
    if root not in ROOTS:
        raise InvalidRequest(f"Extract path '{path}' must start with one of: {', '.join(ROOTS)}")
    if not _PATH.fullmatch(path):
        raise InvalidRequest(
            f"extract.{alias}: {path!r} is no path such as values.messages[-1].content"
        )
    steps = [int(index) if index else name for index, name in _STEP.findall(path)]
    return Extract(alias, root, tuple(steps[1:]))


def extracted(thread: Thread, extracts: Sequence[Extract]) -> dict[str, Any]:
    """What the thread has at each path; null where it has nothing."""
    roots: dict[str, Any] = {}
    for root in {each.root for each in extracts}:
        found = getattr(thread, root)
        roots[root] = json.loads(found) if isinstance(found, str) else found
    return {each.alias: _at(roots[each.root], each.steps) for each in extracts}


def _at(value: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(step, int):
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return None
            value = value[step]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
