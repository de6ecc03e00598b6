"""Lines of a timeline, and how many of them are worth showing."""

from collections.abc import Sequence
from dataclasses import dataclass

from outrigger_loadtests.report.text import ELLIPSIS

NAMED = 0  # a finding names it
NEAR = 1  # it happened beside what a finding names
ELSEWHERE = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line and how close it is to what was found."""

    text: str
    rank: int = NAMED


def excerpt(lines: Sequence[Line], budget: int, noun: str) -> list[str]:
    """Return at most `budget` lines: what is named first, then what is near, in their order.

    Wherever something is missing a line says how many `noun` were left out. Nothing is left out
    when everything fits.
    """
    if len(lines) <= budget:
        return [line.text for line in lines]
    near = [number for number, line in enumerate(lines) if line.rank < ELSEWHERE]
    near.sort(key=lambda number: lines[number].rank)
    keep = min(len(near), budget)
    shown = _with_gaps(lines, set(near[:keep]), noun)
    while len(shown) > budget and keep:
        keep -= 1
        shown = _with_gaps(lines, set(near[:keep]), noun)
    return shown


def _with_gaps(lines: Sequence[Line], kept: set[int], noun: str) -> list[str]:
    shown: list[str] = []
    gap: list[Line] = []

    def close() -> None:
        if len(gap) == 1:  # to say that it is missing takes as much room
            shown.append(gap[0].text)
        elif gap:
            shown.append(f"  {ELLIPSIS} {len(gap):,} {noun} left out")
        gap.clear()

    for number, line in enumerate(lines):
        if number in kept:
            close()
            shown.append(line.text)
        else:
            gap.append(line)
    close()
    return shown
