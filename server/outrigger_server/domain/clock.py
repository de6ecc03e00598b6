"""Time as the server sees it: microseconds since the epoch, UTC, passed in everywhere."""

import datetime as dt
from typing import Protocol

MICROSECONDS = 1_000_000


class Clock(Protocol):
    """Tells the time; tests pass one they can turn."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...


def to_iso(microseconds: int) -> str:
    """The time as ISO 8601 with an explicit UTC offset, as the protocol sends it."""
    moment = dt.datetime.fromtimestamp(microseconds / MICROSECONDS, tz=dt.UTC)
    return moment.isoformat()
