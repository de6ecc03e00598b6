"""What the engine's statements cost PostgreSQL: they touch no more rows for a longer past."""

import pytest
from sqlalchemy import text

from harness.plans import steps_of, touched
from outrigger_server.stores import claims, locks, run_ends, run_rows, runs
from outrigger_server.stores.postgres import postgres_engine

PAST_THREADS = 2_000
PAST_RUNS = 10
WAITING = 20

FILL = [
    """INSERT INTO threads (thread_id, created_at, updated_at, state_updated_at, metadata, config,
        rest_status, head_at)
    SELECT 't' || n, n, n, n, '{}', '{}', 'idle', CASE WHEN n <= :waiting THEN n END
    FROM generate_series(1, :threads) n""",
    """INSERT INTO runs (run_id, thread_id, assistant_id, graph_id, status, multitask_strategy,
        metadata, kwargs, created_at, updated_at, attempt, handed_back, fenced, source)
    SELECT 'r' || n || '-' || m, 't' || n, 'a', 'g',
        CASE WHEN m = 1 AND n <= :waiting THEN 'pending' ELSE 'success' END,
        'enqueue', '{}', '{}', n, n, 1, 0, false, 'api'
    FROM generate_series(1, :threads) n, generate_series(1, :runs) m""",
    """INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, checkpoint, metadata)
    SELECT 't' || n, '', 'c' || m, '{}', '{}'
    FROM generate_series(1, :threads) n, generate_series(1, :runs) m""",
    """UPDATE runs SET status = 'running', lease_until = 0 WHERE run_id = 'r1-1'""",
]

PARAMETERS = {
    "thread": "t1",
    "run": "r1-1",
    "now": 10**9,
    "limit": 5,
    "number": 1,
    "by": "me",
    "until": 1,
    "status": "success",
    "rest": "idle",
}

STATEMENTS = {
    "due threads": (claims._DUE_THREADS, "threads_head"),
    "next due thread": (claims._NEXT_DUE, "threads_head"),
    "first head": (claims._FIRST_HEAD, "threads_head"),
    "start the first run": (claims._START_FIRST, "runs_in_flight"),
    "take the head": (claims._TAKE_HEAD, "threads_pkey"),
    "lapsed threads": (claims._LAPSED_THREADS, "runs_by_live_status", "runs_one_running"),
    "lapsed runs": (claims._LAPSED_RUNS, "runs_by_live_status", "runs_one_running"),
    "lapsed holds": (claims._LAPSED_HOLDS, "threads_held"),
    "end": (run_ends._END.core, "runs_run_id_key", "runs_one_running"),
    "settle": (run_rows._SETTLE_WITH_STATE.core, "runs_in_flight"),
    "runs in flight": (runs._THREAD_IN_FLIGHT.core, "runs_in_flight"),
    "refresh the head": (run_rows._REFRESH_HEAD.core, "runs_in_flight"),
    "run by id": (run_rows._BY_ID, "runs_run_id_key"),
    "thread by id": (runs._THREAD.core, "threads_pkey"),
    "lock of a thread": (locks._BY_ID.core, "threads_pkey"),
    "lock of a run and those in flight": (
        locks._RUN_AND_LIVE,
        "runs_run_id_key",
        "runs_in_flight",
    ),
    "lock of a run's thread": (locks._OF_RUN, "runs_run_id_key"),
}


@pytest.fixture(scope="module")
def connection(postgres_server, postgres_template):
    """One to a database with a long past, which no test changes."""
    sizes = {"threads": PAST_THREADS, "runs": PAST_RUNS, "waiting": WAITING}
    with (
        postgres_server.fresh_database(postgres_template) as uri,
        postgres_engine(uri).connect() as connection,
    ):
        for statement in FILL:
            connection.execute(text(statement), sizes)
        connection.exec_driver_sql("ANALYZE")
        yield connection


def plan_of(connection, statement):
    compiled = statement.compile(dialect=connection.dialect)
    names = set(compiled.params) & set(PARAMETERS)
    given = {**compiled.params, **{name: PARAMETERS[name] for name in names}}
    connection.exec_driver_sql("BEGIN")
    asked = f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}"
    (plan,) = connection.exec_driver_sql(asked, given).scalar_one()
    connection.exec_driver_sql("ROLLBACK")
    return list(steps_of(plan["Plan"]))


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_engines_statements_search_an_index_and_touch_few_rows(connection, name):
    statement, *indexes = STATEMENTS[name]
    steps = plan_of(connection, statement)
    assert not [step for step in steps if step["Node Type"] == "Seq Scan"], steps
    assert {step.get("Index Name") for step in steps} & set(indexes), steps
    assert all(touched(step) <= WAITING for step in steps), steps


def test_a_claim_touches_no_more_threads_than_it_takes(connection):
    steps = plan_of(connection, claims._DUE_THREADS)
    assert max(touched(step) for step in steps) <= PARAMETERS["limit"]


def test_the_fence_searches_the_index_of_the_runs(connection):
    asked = "EXPLAIN SELECT 1 FROM runs WHERE run_id = 'r1-1' AND attempt = 1 FOR SHARE"
    plan = connection.exec_driver_sql(asked).scalars().all()
    assert any("runs_run_id_key" in line for line in plan)
