"""Reads the server's PostgreSQL: for a long past as quickly as for a short one.

What is in flight is read by the server's partial indexes. All runs and threads are counted
for a moment only; when there are too many for that, PostgreSQL's own statistics answer.
"""

from typing import Any

import psycopg

from outrigger_sidecar.run_database.base import (
    MICROSECONDS,
    Counts,
    Queue,
    Rest,
    check_revision,
    queue_of,
)
from outrigger_sidecar.run_database.postgres_link import PostgresLink, TooSlow
from outrigger_telemetry.metric_specs import RUN_STATUS, THREAD_STATUS

COUNT_SECONDS = 0.4
"""How long counting may take; the checks wait meanwhile, on the same connection."""

# Worded like the partial indexes of the server; PostgreSQL uses them only then.
_LIVE = "status IN ('pending', 'running')"
LIVE_COUNTS = f"SELECT status, count(*) FROM runs WHERE {_LIVE} GROUP BY status"  # noqa: S608
WAITING = f"""
SELECT blocked, count(*), min(created_at) FROM (
    SELECT waiting.created_at AS created_at, EXISTS (
        SELECT 1 FROM runs AS other
        WHERE other.thread_id = waiting.thread_id AND other.{_LIVE}
          AND (other.status = 'running'
               OR (other.created_at, other.seq) < (waiting.created_at, waiting.seq))
    ) AS blocked
    FROM runs AS waiting
    WHERE waiting.{_LIVE} AND waiting.status = 'pending' AND waiting.created_at <= %s
) AS due GROUP BY blocked"""  # noqa: S608  made of constants
UNLEASED = f"""
SELECT count(*) FROM runs
WHERE {_LIVE} AND status = 'running' AND coalesce(lease_until, 0) < %s"""  # noqa: S608
BUSY_THREADS = f"SELECT count(DISTINCT thread_id) FROM runs WHERE {_LIVE}"  # noqa: S608
_RUN_COUNTS = "SELECT status, count(*) FROM runs GROUP BY status"
_RESTING_THREADS = f"""
SELECT rest_status, count(*) FROM threads
WHERE thread_id NOT IN (SELECT thread_id FROM runs WHERE {_LIVE})
GROUP BY rest_status"""  # noqa: S608
_ESTIMATE = """
SELECT class.reltuples, common.most_common_vals::text::text[], common.most_common_freqs
FROM pg_class AS class
LEFT JOIN pg_stats AS common
  ON common.tablename = class.relname AND common.attname = %s
 AND common.schemaname = class.relnamespace::regnamespace::text
WHERE class.oid = to_regclass(%s)"""

Connection = psycopg.Connection[Any]


class PostgresRunDatabase:
    """See `RunDatabase`. A statement may take `seconds`.

    Raises:
        ConfigurationError: `uri` is no address of PostgreSQL.
    """

    # Every sidecar of a deployment counts, so each does it seldom.
    rest = Rest(least_seconds=15.0, share=0.005)

    def __init__(self, uri: str, *, seconds: float, count_seconds: float = COUNT_SECONDS) -> None:
        self._link = PostgresLink(uri)
        self._seconds = seconds
        self._count_seconds = min(seconds, count_seconds)

    def ping(self) -> None:
        """See `RunDatabase.ping`."""
        self._link.ask(_ping, self._seconds)

    def queue(self, now: float) -> Queue:
        """See `RunDatabase.queue`."""
        moment = int(now * MICROSECONDS)
        return self._link.ask(lambda connection: _queue(connection, moment), self._seconds)

    def counts(self) -> Counts:
        """See `RunDatabase.counts`. Of very many it is an estimate, but of those in flight."""
        try:
            return self._link.ask(_counts, self._count_seconds)
        except TooSlow:
            return self._link.ask(_estimates, self._seconds)

    def close(self) -> None:
        """See `RunDatabase.close`."""
        self._link.close()


def _ping(connection: Connection) -> None:
    connection.execute("SELECT run_id FROM runs LIMIT 1").fetchone()
    check_revision(connection.execute("SELECT version_num FROM alembic_version").fetchone())


def _queue(connection: Connection, moment: int) -> Queue:
    live = dict(connection.execute(LIVE_COUNTS).fetchall())
    waiting = {row[0]: (row[1], row[2]) for row in connection.execute(WAITING, (moment,))}
    return queue_of(moment, live, waiting, _number(connection, UNLEASED, (moment,)))


def _counts(connection: Connection) -> Counts:
    runs = dict(connection.execute(_RUN_COUNTS).fetchall())
    resting = dict(connection.execute(_RESTING_THREADS).fetchall())
    return _complete(runs, {**resting, "busy": _number(connection, BUSY_THREADS)})


def _estimates(connection: Connection) -> Counts:
    live = dict(connection.execute(LIVE_COUNTS).fetchall())
    runs = {**_estimate(connection, "runs", "status"), "pending": 0, "running": 0, **live}
    threads = _estimate(connection, "threads", "rest_status")
    busy = _number(connection, BUSY_THREADS)
    threads["idle"] = max(0, threads.get("idle", 0) - busy)
    return _complete(runs, {**threads, "busy": busy})


def _estimate(connection: Connection, table: str, column: str) -> dict[str, int]:
    """How many rows have each of the column's common values, as of the last ANALYZE."""
    row = connection.execute(_ESTIMATE, (column, table)).fetchone()
    if row is None or row[0] < 0 or row[1] is None:
        raise TooSlow  # never analyzed: nothing is known
    rows, values, shares = row
    return {value: round(rows * share) for value, share in zip(values, shares, strict=True)}


def _complete(runs: dict[str, int], threads: dict[str, int]) -> Counts:
    return Counts(
        runs={status: runs.get(status, 0) for status in RUN_STATUS.values},
        threads={status: threads.get(status, 0) for status in THREAD_STATUS.values},
    )


def _number(connection: Connection, statement: str, values: tuple[int, ...] = ()) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    return int(row[0]) if row is not None else 0
