"""What the engine's statements cost SQLite: each searches an index."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from outrigger_server.domain.run import RunStatus
from outrigger_server.stores import (
    claims,
    idempotency_keys,
    queue,
    run_ends,
    run_pages,
    run_rows,
    runs,
    temporary_threads,
    thread_expiry,
    webhooks,
)


@pytest.fixture
def database(sqlite_database):
    return sqlite_database


NAMED_PARAMETER = re.compile(r":\w+")
STATEMENTS = {
    "due threads": (claims._DUE_THREADS, "threads_head"),
    "next due thread": (claims._NEXT_DUE, "threads_head"),
    "start the first run": (claims._START_FIRST, "runs_in_flight"),
    "take the head": (claims._TAKE_HEAD, "sqlite_autoindex_threads_1"),
    "end": (run_ends._END.core, "sqlite_autoindex_runs_1"),
    "settle": (run_rows._SETTLE_WITH_STATE.core, "runs_in_flight"),
    "runs in flight": (runs._THREAD_IN_FLIGHT.core, "runs_in_flight"),
    "refresh the head": (run_rows._REFRESH_HEAD.core, "runs_in_flight"),
    "run by id": (run_rows._BY_ID, "sqlite_autoindex_runs_1"),
    "thread by id": (runs._THREAD.core, "sqlite_autoindex_threads_1"),
    "known key": (idempotency_keys._KNOWN, "sqlite_autoindex_idempotency_keys_1"),
    "expired keys": (idempotency_keys._EXPIRED, "idempotency_keys_expiry"),
    "page of waiting runs": (run_pages._PAGES[RunStatus.PENDING], "runs_by_live_status"),
    "median wait": (queue._NTH_DUE, "runs_by_live_status"),
    "temporary threads left": (temporary_threads._LEFT, "threads_temporary"),
    "due webhooks": (webhooks._DUE, "webhook_deliveries_due"),
    "expired threads": (thread_expiry._EXPIRED, "threads_expiry"),
    "keys to forget": (idempotency_keys._FORGET, "sqlite_autoindex_idempotency_keys_1"),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_the_engines_statements_search_an_index_and_scan_no_table(desk, name):
    statement, index = STATEMENTS[name]
    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
    nulls = dict.fromkeys(NAMED_PARAMETER.findall(str(compiled)))

    def explain(connection):
        rows = connection.connection.driver_connection.execute(
            f"EXPLAIN QUERY PLAN {compiled}", {key[1:]: None for key in nulls}
        )
        return [row[3] for row in rows]

    plan = await desk.database.read(explain)
    assert not [step for step in plan if step.startswith("SCAN")], plan
    assert not [step for step in plan if "TEMP B-TREE" in step], plan
    assert any(index in step for step in plan), plan


async def test_recovery_searches_only_the_runs_in_flight(desk):
    plans = []

    def watch(connection):
        driver = connection.connection.driver_connection
        statements = []
        driver.set_trace_callback(statements.append)
        try:
            claims.recover_runs(connection, now=1, max_attempts=1, live=frozenset())
        finally:
            driver.set_trace_callback(None)
        select = next(each for each in statements if each.startswith("SELECT"))
        return [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {select}"))]

    plans = await desk.database.write(watch)
    assert all("runs_by_live_status" in step for step in plans), plans
