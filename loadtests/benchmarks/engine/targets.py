"""What is compared with what, and the targets: each a function of one round's visits.

A ratio is taken within a round, so that what slows the machine for a while slows both sides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.engine.figures import Spread, ratio, spread
from benchmarks.engine.names import (
    EMBEDDED,
    MEMORY_LIMIT,
    OFFICIAL,
    ONE_WORKER,
    POSTGRES,
    POSTGRES_LIMIT,
    SQLITE_LIMIT,
    TWO_WORKERS,
)

# What was measured in one round, by the name of what was visited.
Visits = Mapping[str, Any]
TIMES = "x"
MILLISECONDS = " ms"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of a round and, where there is a target, the least or most it may be."""

    what: str
    of: Callable[[Visits], float | None]
    unit: str = TIMES
    least: float | None = None
    most: float | None = None

    def over(self, rounds: Sequence[Visits]) -> Spread | None:
        """Return the figure's median and range over the rounds."""
        return spread([self.of(visits) for visits in rounds])

    @property
    def target(self) -> str:
        """The target as text."""
        if self.least is not None:
            return f"≥ {self.least:g}{self.unit}"
        return "" if self.most is None else f"≤ {self.most:g}{self.unit}"

    def verdict(self, found: Spread | None) -> str:
        """Whether the median reaches the target, as text."""
        if not self.target:
            return ""
        if found is None:
            return "not measured"
        low = self.least is not None and found.median < self.least
        high = self.most is not None and found.median > self.most
        return "**not reached**" if low or high else "reached"


def throughput_of(visits: Visits, name: str, clients: int, figure: str) -> float | None:
    """Return a figure of the throughput case; None when it was not measured."""
    value: float | None = (
        visits.get(name, {}).get("throughput", {}).get(str(clients), {}).get(figure)
    )
    return value


def time_of(visits: Visits, name: str, case: str, timing: str, figure: str) -> float | None:
    """Return a figure of a case that is done one after the other; None when not measured."""
    value: float | None = visits.get(name, {}).get(case, {}).get(timing, {}).get(figure)
    return value


def _speed(name: str, clients: int) -> Callable[[Visits], float | None]:
    return lambda visits: throughput_of(visits, name, clients, "runs_per_second")


def _median(name: str, clients: int) -> Callable[[Visits], float | None]:
    return lambda visits: throughput_of(visits, name, clients, "p50_ms")


def _time(name: str, case: str, timing: str) -> Callable[[Visits], float | None]:
    return lambda visits: time_of(visits, name, case, timing, "p50_ms")


def _times(
    dividend: Callable[[Visits], float | None], divisor: Callable[[Visits], float | None]
) -> Callable[[Visits], float | None]:
    return lambda visits: ratio(dividend(visits), divisor(visits))


COMPARISONS = (
    Comparison(
        "p50 of create and wait, 1 client: official / embedded",
        _times(_median(OFFICIAL, 1), _median(EMBEDDED, 1)),
        least=25,
    ),
    Comparison(
        "p50 of create and wait, 10 clients: official / embedded",
        _times(_median(OFFICIAL, 10), _median(EMBEDDED, 10)),
        least=25,
    ),
    Comparison(
        "runs/s, 50 clients: embedded / official",
        _times(_speed(EMBEDDED, 50), _speed(OFFICIAL, 50)),
        least=2,
    ),
    Comparison(
        "runs/s, embedded: 100 clients / 50 clients (no collapse)",
        _times(_speed(EMBEDDED, 100), _speed(EMBEDDED, 50)),
        least=0.8,
    ),
    Comparison(
        "runs/s, 50 clients: embedded / limit in memory",
        _times(_speed(EMBEDDED, 50), _speed(MEMORY_LIMIT, 50)),
        least=0.35,
    ),
    Comparison(
        "runs/s, 50 clients: PostgreSQL in one process / limit in memory",
        _times(_speed(POSTGRES, 50), _speed(MEMORY_LIMIT, 50)),
        least=0.3,
    ),
    Comparison(
        "first SSE frame, p50, embedded",
        _time(EMBEDDED, "first_frames", "first_frame"),
        unit=MILLISECONDS,
        most=10,
    ),
    Comparison(
        "runs/s, 50 clients: embedded / limit with the SQLite saver",
        _times(_speed(EMBEDDED, 50), _speed(SQLITE_LIMIT, 50)),
    ),
    Comparison(
        "runs/s, 50 clients: PostgreSQL in one process / limit with the PostgreSQL saver",
        _times(_speed(POSTGRES, 50), _speed(POSTGRES_LIMIT, 50)),
    ),
    Comparison(
        "runs/s, 50 clients: PostgreSQL in one process / official",
        _times(_speed(POSTGRES, 50), _speed(OFFICIAL, 50)),
    ),
    Comparison(
        "runs/s, 50 clients: PostgreSQL, API and 1 worker / official",
        _times(_speed(ONE_WORKER, 50), _speed(OFFICIAL, 50)),
    ),
    Comparison(
        "runs/s, 50 clients, PostgreSQL: 2 workers / 1 worker",
        _times(_speed(TWO_WORKERS, 50), _speed(ONE_WORKER, 50)),
    ),
    Comparison(
        "first SSE frame, p50: official / embedded",
        _times(
            _time(OFFICIAL, "first_frames", "first_frame"),
            _time(EMBEDDED, "first_frames", "first_frame"),
        ),
    ),
    Comparison(
        "first frame of the run that cuts another, p50: official / embedded",
        _times(
            _time(OFFICIAL, "cuts", "first_frame"),
            _time(EMBEDDED, "cuts", "first_frame"),
        ),
    ),
    Comparison(
        "cut run seen interrupted, p50: official / embedded",
        _times(
            _time(OFFICIAL, "cuts", "interrupted"),
            _time(EMBEDDED, "cuts", "interrupted"),
        ),
    ),
)
