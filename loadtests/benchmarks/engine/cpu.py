"""How much of a core each part of a contender uses: its processes with all their children."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

from benchmarks.engine.names import OTHERS

# The process ids that lead each part, by the part's name.
Parts = Mapping[str, Sequence[int]]


class CpuWatch:
    """Takes the parts' CPU time at two moments, and what the rest of the machine used meanwhile.

    A child that ends in between is missing from the difference; servers of a benchmark keep theirs.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._samples: list[tuple[float, dict[str, float]]] = []

    def sample(self) -> None:
        """Take the CPU time of all parts now."""
        taken = {name: sum(map(tree_seconds, leaders)) for name, leaders in self._parts.items()}
        taken[OTHERS] = machine_seconds() - sum(taken.values())
        self._samples.append((time.perf_counter(), taken))

    def shares(self) -> dict[str, float]:
        """Return each part's share of one core between the first sample and the last."""
        if not self._samples:
            return {}
        (began, before), (ended, after) = self._samples[0], self._samples[-1]
        seconds = ended - began
        return {name: (after[name] - before[name]) / seconds for name in after} if seconds else {}


def machine_seconds() -> float:
    """Return the CPU seconds that the whole machine was not idle."""
    times = psutil.cpu_times()
    # Guests' time is counted in the users' time already.
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


def tree_seconds(leader: int) -> float:
    """Return the CPU seconds of a process and all that it started and that still run."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(leader)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                total += times.user + times.system
    return total
