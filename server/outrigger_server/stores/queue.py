"""How full the queue is: a few numbers, read without looking at more than a bounded part of it."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from outrigger_server.stores.run_rows import IN_FLIGHT, PENDING, RUNNING
from outrigger_server.stores.tables import runs, threads

MOST_COUNTED = 100_000
"""Beyond this many, runs are not counted any more: a queue that long is simply too long."""

_PENDING = select(runs.c.created_at).where(PENDING, IN_FLIGHT)
_DUE = _PENDING.where(runs.c.created_at <= bindparam("now"))
_RUNNING = select(runs.c.created_at).where(RUNNING, IN_FLIGHT)
_COUNT_PENDING = select(func.count()).select_from(_PENDING.limit(MOST_COUNTED).subquery())
_COUNT_DUE = select(func.count()).select_from(_DUE.limit(MOST_COUNTED).subquery())
_COUNT_RUNNING = select(func.count()).select_from(_RUNNING.limit(MOST_COUNTED).subquery())
_NTH_DUE = _DUE.order_by(runs.c.created_at).limit(1).offset(bindparam("n"))
_FIRST_HEAD = select(func.min(threads.c.head_at)).where(threads.c.head_at <= bindparam("now"))


@dataclass(frozen=True, slots=True)
class QueueNumbers:
    """Counts, and since when runs wait that are due, in microseconds; None when none does."""

    pending: int
    running: int
    oldest: int | None
    median: int | None
    oldest_unblocked: int | None
    """Of those that wait for a slot only, not behind their own thread."""


def queue_numbers(connection: Connection, now: int) -> QueueNumbers:
    """Read them from one moment."""
    moment = {"now": now}
    due = int(connection.execute(_COUNT_DUE, moment).scalar_one())
    return QueueNumbers(
        pending=int(connection.execute(_COUNT_PENDING).scalar_one()),
        running=int(connection.execute(_COUNT_RUNNING).scalar_one()),
        oldest=connection.execute(_NTH_DUE, {**moment, "n": 0}).scalar(),
        median=connection.execute(_NTH_DUE, {**moment, "n": max(0, due - 1) // 2}).scalar(),
        oldest_unblocked=connection.execute(_FIRST_HEAD, moment).scalar(),
    )
