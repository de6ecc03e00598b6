"""The sidecar reads the same of a PostgreSQL as of a file, and keeps its hands off the past."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from fakes.run_file import NOW
from fakes.run_rows import RunRows
from outrigger_sidecar.errors import ConfigurationError, DatabaseError
from outrigger_sidecar.run_database import postgres
from outrigger_sidecar.run_database.base import Counts
from outrigger_sidecar.run_database.postgres import PostgresRunDatabase

PAST = 20_000
LIVE = 20


@pytest.fixture
def rows(postgres_uri: str) -> RunRows:
    return RunRows(postgres_uri, NOW)


@pytest.fixture
def database(postgres_uri: str) -> Iterator[PostgresRunDatabase]:
    with closing(PostgresRunDatabase(postgres_uri, seconds=5, count_seconds=5)) as database:
        yield database


def test_who_waits_for_what_is_read(rows: RunRows, database: PostgresRunDatabase) -> None:
    rows.run("a", "running", due=-50, lease=5)
    rows.run("a", "pending", due=-40)
    rows.run("b", "pending", due=-30)
    rows.run("b", "pending", due=-30)
    rows.run("c", "pending", due=60)
    rows.run("d", "running", lease=-1)
    rows.run("e", "running")
    rows.run("f", "success", due=-90)

    queue = database.queue(NOW)

    assert (queue.blocked, queue.unblocked) == (2, 1)
    assert (queue.blocked_oldest_seconds, queue.unblocked_oldest_seconds) == (40, 30)
    assert queue.running_without_lease == 2
    assert queue.live == {"running": 3, "pending": 4}


def test_an_empty_queue_is_empty(database: PostgresRunDatabase) -> None:
    queue = database.queue(NOW)

    assert (queue.blocked, queue.unblocked, queue.unblocked_oldest_seconds) == (0, 0, 0)
    assert queue.live == {}


def test_counts_equal_the_truth(rows: RunRows, database: PostgresRunDatabase) -> None:
    for thread, rest in (("a", "idle"), ("b", "error"), ("c", "interrupted"), ("d", "idle")):
        rows.thread(thread, rest)
    rows.run("a", "success")
    rows.run("d", "pending")

    assert database.counts() == Counts(
        runs={
            **dict.fromkeys(("running", "error", "timeout", "interrupted"), 0),
            "success": 1,
            "pending": 1,
        },
        threads={"idle": 1, "busy": 1, "interrupted": 1, "error": 1},
    )


@pytest.fixture
def long_past(rows: RunRows) -> RunRows:
    rows.thread("t", many=PAST)
    rows.run("t", "success", due=-90, many=3 * PAST)
    rows.run("t", "error", due=-90, many=PAST)
    rows.run("t", "pending", due=-30, many=LIVE)
    rows.analyze()
    return rows


def test_of_too_many_the_statistics_tell_and_what_is_in_flight_is_exact(
    long_past: RunRows,
) -> None:
    hasty = PostgresRunDatabase(long_past.uri, seconds=5, count_seconds=0.001)
    with closing(hasty) as database:
        counts = database.counts()

    assert counts.runs["success"] == pytest.approx(3 * PAST, rel=0.05)
    assert counts.runs["error"] == pytest.approx(PAST, rel=0.1)
    assert (counts.runs["pending"], counts.runs["running"]) == (LIVE, 0)
    assert counts.threads["busy"] == LIVE
    assert counts.threads["idle"] == pytest.approx(PAST - LIVE, rel=0.01)


def test_without_statistics_nothing_is_claimed(rows: RunRows) -> None:
    rows.run("t", "success", many=PAST)
    with (
        closing(PostgresRunDatabase(rows.uri, seconds=5, count_seconds=0.001)) as database,
        pytest.raises(DatabaseError, match="took too long"),
    ):
        database.counts()


def steps_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from steps_of(child)


@pytest.mark.parametrize("name", ["LIVE_COUNTS", "WAITING", "UNLEASED", "BUSY_THREADS"])
def test_what_every_poll_asks_touches_no_finished_run(long_past: RunRows, name: str) -> None:
    statement = getattr(postgres, name)
    values = (int(NOW * 1_000_000),) * statement.count("%s")
    with psycopg.connect(long_past.uri) as connection:
        asked = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        row = connection.execute(asked.encode(), values).fetchone()

    assert row is not None
    steps = list(steps_of(row[0][0]["Plan"]))
    assert not [step for step in steps if step["Node Type"] == "Seq Scan"], steps
    for step in steps:
        once = step["Actual Rows"] + step.get("Rows Removed by Filter", 0)
        assert once * step["Actual Loops"] <= LIVE, step


def test_a_database_without_the_tables_is_said(postgres_server: Any) -> None:
    with (
        postgres_server.fresh_database() as uri,
        closing(PostgresRunDatabase(uri, seconds=5)) as database,
        pytest.raises(DatabaseError, match=r"^the database lacks the server's tables$"),
    ):
        database.ping()


def test_a_database_that_was_not_migrated_is_said(postgres_server: Any, postgres_uri: str) -> None:
    with closing(PostgresRunDatabase(postgres_uri, seconds=5)) as database:
        database.ping()
        name = postgres_uri.rpartition("/")[2].partition("?")[0]
        postgres_server.run("UPDATE alembic_version SET version_num = '0001'", name)
        with pytest.raises(DatabaseError, match="its schema is 0001 and needs migrating"):
            database.ping()


def test_no_address_at_all_stops_the_start_and_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        PostgresRunDatabase("postgresql://me:hunter22@host:5432/db?nonsense=1", seconds=1)

    assert "POSTGRES_URI" in str(caught.value)
    assert "hunter22" not in str(caught.value)
