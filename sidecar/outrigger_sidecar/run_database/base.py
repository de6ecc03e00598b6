"""What is read of the server's database: how many runs and threads, and who waits for what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from outrigger_sidecar.errors import DatabaseError
from outrigger_telemetry.schema_revision import SCHEMA_REVISION

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Queue:
    """Due pending runs: waiting behind their own thread (blocked), or for a slot."""

    blocked: int = 0
    unblocked: int = 0
    blocked_oldest_seconds: float = 0.0
    unblocked_oldest_seconds: float = 0.0
    running_without_lease: int = 0
    live: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """All runs and threads by status."""

    runs: dict[str, int]
    threads: dict[str, int]


@dataclass(frozen=True, slots=True)
class Rest:
    """How long not to count again: a time, and so long that counting takes a share of it all."""

    least_seconds: float
    share: float

    def after(self, taken: float, *, failed: bool) -> float:
        """Seconds to leave the database alone after counting for `taken` seconds."""
        least = 0.0 if failed else self.least_seconds  # one that is back is counted at once
        return max(least, taken / self.share)


class RunDatabase(Protocol):
    """The server's database; it may come and go. Safe to use from several threads.

    Every method raises `DatabaseError` when the database is missing, away, locked, too slow
    or not the server's.
    """

    @property
    def rest(self) -> Rest:
        """How often `counts` may be called."""
        ...

    def ping(self) -> None:
        """Read one row, and see whether the schema is the one that the server needs."""
        ...

    def queue(self, now: float) -> Queue:
        """Read who waits at `now` (seconds since the epoch). Quick: live runs only."""
        ...

    def counts(self) -> Counts:
        """Count all runs and threads. Reads both tables: do not call it all the time."""
        ...

    def close(self) -> None:
        """Let go of what is open; safe to call twice."""
        ...


def check_revision(row: Sequence[Any] | None) -> None:
    """Pass when `row` holds the schema that the server needs, or a newer one.

    Raises:
        DatabaseError: It is older; the server does not start on it.
    """
    found = str(row[0]) if row else "none"
    if not row or found < SCHEMA_REVISION:
        raise DatabaseError(f"its schema is {found} and needs migrating to {SCHEMA_REVISION}")


def queue_of(
    now: int, live: dict[str, int], waiting: dict[bool, tuple[int, int]], unleased: int
) -> Queue:
    """Put a queue together; `waiting` has for blocked and unblocked: how many, since when."""
    blocked, blocked_since = waiting.get(True, (0, now))
    unblocked, unblocked_since = waiting.get(False, (0, now))
    return Queue(
        blocked,
        unblocked,
        (now - blocked_since) / MICROSECONDS,
        (now - unblocked_since) / MICROSECONDS,
        unleased,
        live,
    )
