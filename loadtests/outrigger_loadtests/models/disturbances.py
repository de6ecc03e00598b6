"""The times in which faults disturbed the server, as one thread's checks ask for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from outrigger_loadtests.faults.kinds import Excuse, FaultKind, kind_named
from outrigger_loadtests.history.operations import Faulted
from outrigger_loadtests.models.run import NANOSECONDS


@dataclass(frozen=True, slots=True)
class Window:
    """The time of one fault with that of the recovery from it."""

    kind: FaultKind
    start: int
    stop: int

    def touches(self, start: int, stop: int) -> bool:
        """Whether it has a moment in common with the interval."""
        return self.start <= stop and start <= self.stop


class Disturbances:
    """The windows of all faults. A fault of a kind that is not known has none."""

    def __init__(self, faults: Iterable[Faulted]) -> None:
        self._windows = sorted(_windows(faults), key=lambda each: each.start)
        self._merged = _merged(self._windows)

    def within(self, start: int, stop: int) -> int:
        """Return how much of the interval lies in windows, in nanoseconds."""
        overlaps = (min(stop, end) - max(start, begin) for begin, end in self._merged)
        return sum(each for each in overlaps if each > 0)

    def excuse(self, excuse: Excuse, start: int, stop: int) -> bool:
        """Whether a fault with this excuse touches the interval."""
        return any(
            excuse in each.kind.excuses and each.touches(start, stop) for each in self._windows
        )


def _windows(faults: Iterable[Faulted]) -> Iterable[Window]:
    for fault in faults:
        kind = kind_named(fault.name)
        if kind is not None:
            end = fault.invoked if fault.completed is None else fault.completed
            yield Window(kind, fault.invoked, end + int(kind.recovery * NANOSECONDS))


def _merged(windows: Sequence[Window]) -> list[tuple[int, int]]:
    """Return the windows, ordered by start, as intervals that do not overlap."""
    merged: list[tuple[int, int]] = []
    for each in windows:
        if merged and each.start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], each.stop))
        else:
            merged.append((each.start, each.stop))
    return merged
