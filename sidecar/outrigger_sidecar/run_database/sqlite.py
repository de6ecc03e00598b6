"""Reads the server's SQLite file, also while the server is frozen.

It knows the columns it reads and nothing else of the schema.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from outrigger_sidecar.errors import DatabaseError
from outrigger_sidecar.run_database.base import (
    MICROSECONDS,
    Counts,
    Queue,
    Rest,
    check_revision,
    queue_of,
)
from outrigger_telemetry.metric_specs import RUN_STATUS, THREAD_STATUS

BUSY_SECONDS = 0.3
MAX_QUERY_SECONDS = 3.0
_STEPS_BETWEEN_LOOKS = 20_000

# Worded like the partial indexes of the server; SQLite uses them only then.
_LIVE = "status IN ('pending', 'running')"
_LIVE_COUNTS = f"SELECT status, count(*) FROM runs WHERE {_LIVE} GROUP BY status"  # noqa: S608
_WAITING = f"""
SELECT blocked, count(*), min(created_at) FROM (
    SELECT waiting.created_at AS created_at, EXISTS (
        SELECT 1 FROM runs AS other
        WHERE other.thread_id = waiting.thread_id AND other.{_LIVE}
          AND (other.status = 'running'
               OR (other.created_at, other.rowid) < (waiting.created_at, waiting.rowid))
    ) AS blocked
    FROM runs AS waiting
    WHERE waiting.{_LIVE} AND waiting.status = 'pending' AND waiting.created_at <= ?
) GROUP BY blocked"""  # noqa: S608  made of constants
_UNLEASED = f"""
SELECT count(*) FROM runs
WHERE {_LIVE} AND status = 'running' AND coalesce(lease_until, 0) < ?"""  # noqa: S608
_ENDED_COUNTS = "SELECT status, count(*) FROM runs GROUP BY status"
_BUSY_THREADS = f"SELECT count(DISTINCT thread_id) FROM runs WHERE {_LIVE}"  # noqa: S608
_RESTING_THREADS = f"""
SELECT rest_status, count(*) FROM threads
WHERE thread_id NOT IN (SELECT thread_id FROM runs WHERE {_LIVE})
GROUP BY rest_status"""  # noqa: S608


class SqliteRunDatabase:
    """See `RunDatabase`. Each call opens the file anew, so it may come and go."""

    rest = Rest(least_seconds=1.0, share=0.02)

    def __init__(self, path: Path) -> None:
        self._path = path

    def ping(self) -> None:
        """See `RunDatabase.ping`."""
        with self._open() as connection:
            connection.execute("SELECT run_id FROM runs LIMIT 1").fetchone()
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        check_revision(revision)

    def queue(self, now: float) -> Queue:
        """See `RunDatabase.queue`."""
        moment = int(now * MICROSECONDS)
        with self._open() as connection:
            live = dict(connection.execute(_LIVE_COUNTS).fetchall())
            waiting = {
                bool(row[0]): (row[1], row[2]) for row in connection.execute(_WAITING, (moment,))
            }
            unleased = connection.execute(_UNLEASED, (moment,)).fetchone()[0]
        return queue_of(moment, live, waiting, unleased)

    def counts(self) -> Counts:
        """See `RunDatabase.counts`."""
        with self._open() as connection:
            runs = dict(connection.execute(_ENDED_COUNTS).fetchall())
            threads = dict(connection.execute(_RESTING_THREADS).fetchall())
            threads["busy"] = connection.execute(_BUSY_THREADS).fetchone()[0]
        return Counts(
            runs={status: runs.get(status, 0) for status in RUN_STATUS.values},
            threads={status: threads.get(status, 0) for status in THREAD_STATUS.values},
        )

    def close(self) -> None:
        """See `RunDatabase.close`. Nothing stays open."""

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            msg = "there is no database yet"
            raise DatabaseError(msg)
        deadline = time.monotonic() + MAX_QUERY_SECONDS
        try:
            with closing(self._connect()) as connection:
                connection.set_progress_handler(
                    lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS
                )
                connection.execute("BEGIN")  # all of it from one moment
                yield connection
        except sqlite3.Error as error:
            raise DatabaseError(_meaning(error)) from error

    def _connect(self) -> sqlite3.Connection:
        uri = self._path.absolute().as_uri() + "?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _meaning(error: sqlite3.Error) -> str:
    match getattr(error, "sqlite_errorname", ""):
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return "the database is locked"
        case "SQLITE_INTERRUPT":
            return "the database took too long to answer"
        case "SQLITE_ERROR":
            return "the database lacks the server's tables"
        case _:
            return "the database cannot be read"
