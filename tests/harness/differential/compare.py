"""Compares two answers value by value and tells each difference by its place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.differential.answer import MISSING


@dataclass(frozen=True, slots=True)
class Difference:
    """One place of one answer at which the servers differ."""

    case: str
    step: int
    place: str
    official: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.case} #{self.step} {self.place}: {self.official!r} but ours {self.ours!r}"


def differences(case: str, official: Sequence[Any], ours: Sequence[Any]) -> list[Difference]:
    """All differences between the comparable answers to a case, step by step from 1."""
    assert len(official) == len(ours)
    return [
        Difference(case, step, place, left, right)
        for step, answers in enumerate(zip(official, ours, strict=True), start=1)
        for place, left, right in _between(*answers, "")
    ]


def _between(official: Any, ours: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(official, dict) and isinstance(ours, dict):
        for key in sorted(official.keys() | ours.keys()):
            values = official.get(key, MISSING), ours.get(key, MISSING)
            yield from _between(*values, f"{place}.{key}" if place else key)
    elif isinstance(official, list) and isinstance(ours, list):
        for i in range(max(len(official), len(ours))):
            left = official[i] if i < len(official) else MISSING
            right = ours[i] if i < len(ours) else MISSING
            yield from _between(left, right, f"{place}.{i}")
    elif type(official) is not type(ours) or official != ours:
        yield place, official, ours
