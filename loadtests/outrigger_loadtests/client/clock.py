"""Time and concurrency as the scenarios see them, so that they also run in simulated time."""

from collections.abc import Callable
from typing import Protocol


class Task(Protocol):
    """Something that was started and goes on by itself."""

    def join(self) -> None:
        """Return when it has ended; raise what it raised."""
        ...


class Clock(Protocol):
    """A monotonic clock and a way to do several things at once, cooperatively."""

    def now(self) -> int:
        """Return nanoseconds since some fixed moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let others go on for so long."""
        ...

    def start(self, call: Callable[[], object]) -> Task:
        """Begin `call` beside the caller."""
        ...
