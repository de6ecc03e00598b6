"""The queue under random histories: what holds after every step, whatever came before.

One example is one job of one transaction, so hundreds of histories cost few commits.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from fakes.clock import TurnedClock
from fakes.run_desk import IDLE, LEASE_SECONDS, dump, request, worded
from outrigger_server.domain.multitask import MultitaskStrategy
from outrigger_server.domain.run import TRANSITIONS, CancelAction, Run, RunStatus
from outrigger_server.errors import IllegalTransition
from outrigger_server.stores import claims, run_ends, run_rows, runs, threads
from outrigger_server.stores.postgres import PostgresDatabase
from outrigger_server.stores.saver_tables import tables_of
from outrigger_server.stores.sqlite import SqliteDatabase

THREADS = ("t", "u")
MAX_ATTEMPTS = 2
ENDS = st.sampled_from([status for status in RunStatus if status.is_terminal])
PICK = st.integers(0, 9)
THREAD = st.sampled_from(THREADS)
STRATEGY = st.sampled_from(MultitaskStrategy)
DELAY = st.sampled_from([0, 0, 0, 5])
ACTION = st.sampled_from(CancelAction)

STEP = st.one_of(
    st.tuples(st.just("create"), THREAD, STRATEGY, DELAY),
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(st.just("finish"), PICK, ENDS),
    st.tuples(st.just("cancel"), PICK, ACTION),
    st.tuples(st.just("crash"), st.booleans()),
    st.tuples(st.just("hand_back"), PICK),
    st.tuples(st.just("delete"), PICK),
    st.tuples(st.just("hold"), THREAD),
    st.tuples(st.just("release"), THREAD),
    st.tuples(st.just("wait"), st.sampled_from([1, 6])),
)


@dataclass
class History:
    """Carries out steps and checks after each what must hold."""

    connection: Any
    clock: TurnedClock = field(default_factory=TurnedClock)
    held: list[Run] = field(default_factory=list)
    """Every attempt that ever was handed out, so that lost ones try again too."""
    before: dict[str, dict[str, Any]] = field(default_factory=dict)
    may_vanish: set[str] = field(default_factory=set)
    made: int = 0

    def prepare(self) -> None:
        for table in reversed(tables_of(self.connection.dialect.name).sorted_tables):
            self.connection.execute(delete(table))
        for thread in THREADS:
            threads.create_thread(self.connection, thread, {}, self.clock.now())

    def carry_out(self, step: tuple[Any, ...]) -> None:
        name, *arguments = step
        getattr(self, name)(*arguments)
        self.check()

    def rows(self) -> dict[str, dict[str, Any]]:
        columns = "run_id, thread_id, status, attempt, created_at, seq, cancel_action"
        found = self.connection.exec_driver_sql(f"SELECT {columns} FROM runs").mappings()
        return {row["run_id"]: dict(row) for row in found}

    def picked(self, number: int) -> Run | None:
        return self.held[-1 - number] if number < len(self.held) else None

    # -- steps ---------------------------------------------------------------

    def create(self, thread: str, strategy: MultitaskStrategy, delay: int) -> None:
        self.made += 1
        wanted = request(f"r{self.made}", strategy.value, after_seconds=delay)
        before = dump(self.connection) if strategy is MultitaskStrategy.REJECT else None
        created = runs.create_run(self.connection, thread, wanted, self.clock.now())
        if created.run is None:
            assert dump(self.connection) == before
            return
        if strategy is MultitaskStrategy.ROLLBACK:
            self.may_vanish |= set(created.decision.drop + created.decision.cut)
        assert created.run.run_id in self.rows()

    def claim(self, limit: int) -> None:
        now = self.clock.now()
        waiting = [row for row in self.rows().values() if row["status"] == "pending"]
        until = now + LEASE_SECONDS * 1_000_000
        claimed = claims.claim_runs(
            self.connection, owner="w", now=now, lease_until=until, limit=limit
        )
        assert len(claimed.runs) <= limit
        for run in claimed.runs:
            same = [row for row in waiting if row["thread_id"] == run.thread_id]
            first = min(same, key=lambda row: (row["created_at"], row["seq"]))
            assert run.run_id == first["run_id"]
            assert run.created_at <= now
            assert run.attempt == first["attempt"] + 1
        self.held += claimed.runs

    def finish(self, number: int, status: RunStatus) -> None:
        run = self.picked(number)
        if run is None:
            return
        row = self.rows().get(run.run_id)
        holds = row and (row["status"], row["attempt"]) == ("running", run.attempt)
        try:
            run_ends.finish_run(self.connection, run, status, IDLE, self.clock.now())
        except IllegalTransition:
            assert not holds
        else:
            assert holds
            rolled_back = row["cancel_action"] == CancelAction.ROLLBACK
            assert rolled_back is (run.run_id not in self.rows())

    def cancel(self, number: int, action: CancelAction) -> None:
        present = list(self.rows().values())
        if number >= len(present):
            return
        row = present[number]
        if action is CancelAction.ROLLBACK and row["status"] in ("pending", "running"):
            self.may_vanish.add(row["run_id"])
        runs.cancel_runs(
            self.connection, row["thread_id"], [row["run_id"]], action, self.clock.now(), "stop"
        )

    def crash(self, alone: bool) -> None:
        if alone:
            claims.expire_all_leases(self.connection, self.clock.now())
        else:
            self.clock.turn(LEASE_SECONDS + 1)
        recovered = claims.recover_runs(
            self.connection, now=self.clock.now(), max_attempts=MAX_ATTEMPTS, live=frozenset()
        )
        for run in recovered.cancelled + recovered.exhausted:
            run_ends.finish_run(self.connection, run, RunStatus.ERROR, IDLE, self.clock.now())
        assert "running" not in {row["status"] for row in self.rows().values()}

    def hand_back(self, number: int) -> None:
        run = self.picked(number)
        if run is not None:
            claims.hand_back(self.connection, run.token, run.thread_id, self.clock.now())

    def delete(self, number: int) -> None:
        present = list(self.rows())
        if number >= len(present):
            return
        run = run_rows.find_run(self.connection, present[number])
        self.connection.exec_driver_sql("SAVEPOINT step")
        try:
            run_ends.delete_finished_run(self.connection, run)
            self.may_vanish.add(run.run_id)
            assert run.status.is_terminal
        except IllegalTransition:
            self.connection.exec_driver_sql("ROLLBACK TO step")
            assert not run.status.is_terminal

    def hold(self, thread: str) -> None:
        if not runs.in_flight(self.connection, thread) and self._token(thread) is None:
            threads.hold_thread(self.connection, thread, "token")

    def release(self, thread: str) -> None:
        threads.release_thread(self.connection, thread, "token", None, self.clock.now())

    def wait(self, seconds: int) -> None:
        self.clock.turn(seconds)

    def _token(self, thread: str) -> str | None:
        query = "SELECT hold_token FROM threads WHERE thread_id = ?"
        return self.connection.exec_driver_sql(
            worded(self.connection, query), (thread,)
        ).scalar_one()

    # -- what always holds ---------------------------------------------------

    def check(self) -> None:
        rows = self.rows()
        for thread, head, token in self.connection.exec_driver_sql(
            "SELECT thread_id, head_at, hold_token FROM threads"
        ):
            own = [row for row in rows.values() if row["thread_id"] == thread]
            running = [row for row in own if row["status"] == "running"]
            assert len(running) <= 1
            pending = [row["created_at"] for row in own if row["status"] == "pending"]
            free = not running and token is None
            assert head == (min(pending, default=None) if free else None)
        for run_id, old in self.before.items():
            if run_id in rows:
                self._check_change(old, rows[run_id])
            else:
                assert run_id in self.may_vanish
        self.before = rows

    def _check_change(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        before, after = RunStatus(old["status"]), RunStatus(new["status"])
        assert after in TRANSITIONS[before] | {before}
        assert new["attempt"] >= old["attempt"]
        if before is RunStatus.PENDING and after is RunStatus.RUNNING:
            assert new["attempt"] == old["attempt"] + 1
        assert new["created_at"] == old["created_at"]


@pytest.fixture(scope="module")
def sqlite_shared(tmp_path_factory):
    return SqliteDatabase(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="module")
def postgres_shared(postgres_server, postgres_template):
    with postgres_server.fresh_database(postgres_template) as uri:
        yield PostgresDatabase(uri)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_database(request):
    database = request.getfixturevalue(f"{request.param}_shared")
    asyncio.run(database.__aenter__())
    yield database
    asyncio.run(database.__aexit__(None, None, None))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(steps=st.lists(STEP, min_size=8, max_size=40))
def test_every_history_keeps_the_queue_sound(shared_database, steps):
    def drive(connection):
        history = History(connection)
        history.prepare()
        for step in steps:
            history.carry_out(step)

    shared_database.write_blocking(drive)


@settings(max_examples=50, deadline=None, database=None)
@given(strategies=st.lists(STRATEGY, min_size=1, max_size=8), seed=st.integers(0, 3))
def test_a_thread_always_comes_to_rest_when_its_worker_goes_on(shared_database, strategies, seed):
    def drive(connection):
        history = History(connection)
        history.prepare()
        for number, strategy in enumerate(strategies):
            history.carry_out(("create", "t", strategy, 0))
            if (number + seed) % 2:
                history.carry_out(("claim", 1))
        for _ in range(2 * len(strategies)):
            history.carry_out(("finish", 0, RunStatus.SUCCESS))
            history.carry_out(("claim", 1))
        assert runs.in_flight(connection, "t") == []

    shared_database.write_blocking(drive)
