"""What a claim costs: no more for a long past, many waiting threads or one that is crowded.

Work is counted, not timed: buffers that PostgreSQL touched, steps of SQLite's machine.
"""

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from fakes.empty_database import empty_database
from harness.plans import steps_of, touched
from harness.postgres import PostgresServer
from outrigger_server.stores import claims
from outrigger_server.stores.postgres import postgres_engine

LIMIT = 5
FEW, MANY = 100, 100_000
SHORT_PAST, LONG_PAST = 1_000, 50_000
WAITING = 20
GROWTH = 2
"""A thousand times as many rows make an index one or two levels deeper, and that is all."""

_SERIES = """WITH RECURSIVE series(n) AS
    (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :count)"""
_THREADS = f"""INSERT INTO threads (thread_id, created_at, updated_at, state_updated_at, metadata,
    config, rest_status, head_at)
{_SERIES} SELECT :name || n, n, n, n, '{{}}', '{{}}', 'idle', n FROM series
"""
_RUNS = f"""INSERT INTO runs (run_id, thread_id, assistant_id, graph_id, status,
    multitask_strategy, metadata, kwargs, created_at, updated_at, attempt, handed_back, fenced,
    source)
{_SERIES} SELECT :status || :name || n, :name || (1 + n % :threads), 'a', 'g', :status, 'enqueue',
    '{{}}', '{{}}', n, n, 0, 0, :fenced, 'api' FROM series
"""


def put_threads(connection: Connection, name: str, count: int) -> None:
    """Add threads that each have something to claim."""
    connection.execute(text(_THREADS), {"count": count, "name": name})


def put_runs(connection: Connection, name: str, count: int, of: int, status: str) -> None:
    """Add runs that so many of these threads share."""
    given = {"count": count, "name": name, "threads": of, "status": status, "fenced": False}
    connection.execute(text(_RUNS), given)


def past(connection: Connection, count: int) -> None:
    """So many runs that have ended, on threads where others wait."""
    put_threads(connection, "waiting", WAITING)
    put_runs(connection, "waiting", WAITING, WAITING, "pending")
    put_runs(connection, "waiting", count, WAITING, "success")


def threads(connection: Connection, count: int) -> None:
    """So many runs that wait, each on a thread of its own."""
    put_threads(connection, "waiting", count)
    put_runs(connection, "waiting", count, count, "pending")


def crowd(connection: Connection, count: int) -> None:
    """So many runs that wait for one another on one thread, and a few on others."""
    put_threads(connection, "crowd", 1)
    put_runs(connection, "crowd", count, 1, "pending")
    put_threads(connection, "waiting", WAITING)
    put_runs(connection, "waiting", WAITING, WAITING, "pending")


def claim(connection: Connection) -> None:
    claimed = claims.claim_runs(
        connection, owner="me", now=10**9, lease_until=2 * 10**9, limit=LIMIT
    )
    assert len(claimed.runs) == LIMIT


Fill = Callable[[Connection, int], None]

SHAPES = [
    pytest.param(past, SHORT_PAST, LONG_PAST, id="finished runs"),
    pytest.param(threads, FEW, MANY, id="waiting threads"),
    pytest.param(crowd, FEW, MANY, id="runs of one thread"),
]


# -- SQLite --------------------------------------------------------------------


def steps_in_sqlite(folder: Path, fill: Fill, count: int) -> int:
    """The steps of SQLite's machine in one claim."""
    database = empty_database(folder)
    asyncio.run(database.__aenter__())
    try:
        database.write_blocking(partial(fill, count=count))
        return database.write_blocking(steps_of_claim)
    finally:
        asyncio.run(database.__aexit__(None, None, None))


def steps_of_claim(connection: Connection) -> int:
    driver: Any = connection.connection.driver_connection
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    driver.set_progress_handler(step, 1)
    try:
        claim(connection)
    finally:
        driver.set_progress_handler(None, 1)
    return steps


@pytest.mark.parametrize(("fill", "few", "many"), SHAPES)
def test_a_claim_takes_sqlite_as_many_steps_among_many_rows(tmp_path, fill, few, many):
    before = steps_in_sqlite(tmp_path / "few", fill, few)
    after = steps_in_sqlite(tmp_path / "many", fill, many)
    assert 0 < after <= before * 1.05, (before, after)


# -- PostgreSQL ----------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What PostgreSQL did for one claim, all its statements together."""

    buffers: int
    rows: int
    scanned: frozenset[str]


def plan_in_postgres(server: PostgresServer, template: str, fill: Fill, count: int) -> Plan:
    """What one claim comes to, once the tables' statistics are known."""
    with (
        server.fresh_database(template) as uri,
        closing(postgres_engine(uri).connect()) as connection,
    ):
        fill(connection, count)
        connection.exec_driver_sql("VACUUM ANALYZE")
        said = statements_of_claim(connection)
        plans = [explained(connection, *each) for each in said]  # once to warm the catalogue
        plans = [explained(connection, *each) for each in said]
    steps = [step for plan in plans for step in steps_of(plan)]
    return Plan(
        buffers=sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans),
        rows=sum(touched(step) for step in steps),
        scanned=frozenset(
            step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"
        ),
    )


def statements_of_claim(connection: Connection) -> list[tuple[str, Any]]:
    """What a claim says to the database; the claim is undone."""
    said: list[tuple[str, Any]] = []

    def listen(_on: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        said.append((statement, parameters))

    connection.exec_driver_sql("BEGIN")
    event.listen(connection, "before_cursor_execute", listen)
    try:
        claim(connection)
    finally:
        event.remove(connection, "before_cursor_execute", listen)
    connection.exec_driver_sql("ROLLBACK")
    return said


def explained(connection: Connection, statement: str, parameters: Any) -> dict[str, Any]:
    connection.exec_driver_sql("BEGIN")
    asked = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
    (plan,) = connection.exec_driver_sql(asked, parameters).scalar_one()
    connection.exec_driver_sql("ROLLBACK")
    found: dict[str, Any] = plan["Plan"]
    return found


@pytest.mark.parametrize(("fill", "few", "many"), SHAPES)
def test_a_claim_touches_as_little_of_postgresql_among_many_rows(
    postgres_server, postgres_template, fill, few, many
):
    before = plan_in_postgres(postgres_server, postgres_template, fill, few)
    after = plan_in_postgres(postgres_server, postgres_template, fill, many)
    assert 0 < after.buffers <= before.buffers * GROWTH, (before, after)
    assert after.rows <= before.rows, (before, after)
    assert "runs" not in after.scanned, after
