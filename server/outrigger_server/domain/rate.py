"""How many requests of a class a caller made in a stretch of time, and what is left; no I/O."""

import hashlib
import math
from dataclasses import dataclass
from enum import StrEnum

from outrigger_server.domain.clock import MICROSECONDS

_DIGEST_BYTES = 12


class RouteClass(StrEnum):
    """What a request costs: each class is counted for itself."""

    RUNS = "runs"
    """It creates runs."""
    HOLDING = "holding"
    """It follows a run for as long as that takes."""
    PLAIN = "plain"
    """It only reads and writes the database."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in which one caller's requests of one class are counted."""

    key: str
    """Of the counter: another one for every caller, class and window; names nobody."""
    ends_in: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands in its window after its latest request."""

    amount: int
    """Requests that the window has room for."""
    count: int
    window: Window

    @property
    def exceeded(self) -> bool:
        """True when that request was one too many."""
        return self.count > self.amount

    @property
    def remaining(self) -> int:
        """Requests that are left."""
        return max(0, self.amount - self.count)

    @property
    def resets_in(self) -> int:
        """Whole seconds, at least one: who waits so long finds the next window."""
        return max(1, math.ceil(self.window.ends_in))


def window_of(route_class: RouteClass, caller: str, seconds: int, now: int) -> Window:
    """The present window of a caller, so many seconds long; `now` is in microseconds.

    Windows follow the clock, so the count is all that has to be kept of them. They begin at
    another moment for each caller, so that not all who were refused come back at once.
    """
    digest = hashlib.blake2b(caller.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES)
    span = seconds * MICROSECONDS
    number, passed = divmod(now + int.from_bytes(digest.digest()) % span, span)
    key = f"{route_class}:{seconds}:{digest.hexdigest()}:{number}"
    return Window(key, (span - passed) / MICROSECONDS)
