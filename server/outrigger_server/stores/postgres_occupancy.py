"""Who may write to a PostgreSQL: one process alone, or several that are joined by a Redis.

A lock that lasts as long as the writing connection says so. A process that cannot have it, or
cannot have it back after its connection broke, writes nothing.
"""

from enum import StrEnum
from typing import Any

import psycopg

from outrigger_server.errors import StoreUnavailable

_NUMBER = 0x6F757473
"""Ours among the locks that applications of one database agree on."""

_PLACE = "hashtext(coalesce(current_schema(), ''))"


class Occupancy(StrEnum):
    """How a process uses its database."""

    ALONE = "alone"
    SHARED = "shared"


_STATEMENTS = {
    Occupancy.ALONE: f"SELECT pg_advisory_lock({_NUMBER}, {_PLACE})",
    Occupancy.SHARED: f"SELECT pg_advisory_lock_shared({_NUMBER}, {_PLACE})",
}


class Occupied(StoreUnavailable):
    """Another Outrigger process has taken this database; nothing of this request was stored."""

    code = "database_occupied"


def occupy(driver: "psycopg.Connection[Any]", occupancy: Occupancy) -> None:
    """Take the lock for as long as the connection lives.

    Waits as long as the connection waits for locks: a process that was just killed may still
    have it for a moment.

    Raises:
        Occupied: Another process has it.
    """
    try:
        driver.execute(_STATEMENTS[occupancy].encode())
    except psycopg.errors.LockNotAvailable as error:
        raise Occupied from error


def why_refused(occupancy: Occupancy) -> str:
    """What a start that finds the database occupied says, and what to do."""
    if occupancy is Occupancy.ALONE:
        return (
            "another Outrigger process uses this database. Set REDIS_URI for both, so that they "
            "can share it, or stop that one."
        )
    return (
        "an Outrigger process without REDIS_URI has this database for itself. Stop it, or start "
        "it with the same REDIS_URI."
    )
