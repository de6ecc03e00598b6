"""PostgreSQL itself: what is lost with a connection, what comes back, and who may open it."""

import asyncio
from contextlib import suppress
from functools import partial

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError

from fakes.run_desk import RunDesk
from harness.cutting_proxy import CuttingProxy
from harness.writer_gate import Gate, behind
from outrigger_server.errors import ConfigurationError, StoreUnavailable
from outrigger_server.stores import threads
from outrigger_server.stores.postgres import PostgresDatabase, migrate_postgres

OWN_CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE application_name = 'outrigger' AND datname = current_database()"
)


@pytest.fixture
def database(postgres_database):
    return postgres_database


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


def put(name):
    return partial(threads.ensure_thread, thread_id=name, now=1)


def names(connection):
    return sorted(connection.execute(text("SELECT thread_id FROM threads")).scalars())


def cut_own_connection(connection):
    connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def pid(connection):
    return connection.execute(text("SELECT pg_backend_pid()")).scalar_one()


def end_connections(uri):
    """Cut every connection to the database but this one."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


# -- lost connections ----------------------------------------------------------


async def test_connections_that_broke_while_idle_are_replaced_unseen(database, postgres_uri):
    before = await database.write(pid), await database.read(pid)
    await asyncio.to_thread(end_connections, postgres_uri)
    await database.write(put("t"))
    assert await database.read(names) == ["t"]
    after = await database.write(pid), await database.read(pid)
    assert not set(before) & set(after)


async def test_jobs_whose_connection_breaks_are_unavailable_and_leave_nothing(database, gate):
    outcomes = await behind(gate, database, put("a"), cut_own_connection, put("b"))
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 3
    assert await database.read(names) == []


async def test_a_lone_job_whose_connection_breaks_is_unavailable(database):
    with pytest.raises(StoreUnavailable, match="nothing of this request was stored"):
        await database.write(cut_own_connection)
    await database.write(put("t"))
    assert await database.read(names) == ["t"]


async def test_a_read_whose_connection_breaks_is_unavailable_and_the_next_is_not(database):
    with pytest.raises(StoreUnavailable):
        await database.read(cut_own_connection)
    assert await database.read(names) == []


async def test_a_server_that_is_down_makes_the_store_unavailable_until_it_is_back(
    database, postgres_server
):
    await database.write(put("before"))
    postgres_server.stop()
    try:
        with pytest.raises(StoreUnavailable):
            await database.write(put("lost"))
        with pytest.raises(StoreUnavailable):
            await database.read(names)
    finally:
        postgres_server.start()
    await database.write(put("after"))
    assert await database.read(names) == ["after", "before"]


async def test_a_crash_of_the_server_loses_nothing_acknowledged(database, postgres_server):
    for n in range(20):
        await database.write(put(f"{n:02}"))
    postgres_server.kill()
    postgres_server.start()
    assert await database.read(names) == [f"{n:02}" for n in range(20)]


# -- lost answers --------------------------------------------------------------


@pytest.fixture
async def proxy(postgres_server):
    with CuttingProxy(postgres_server.port) as proxy:
        yield proxy


@pytest.fixture
async def behind_proxy(proxy, postgres_server, postgres_uri):
    uri = postgres_uri.replace(f":{postgres_server.port}/", f":{proxy.port}/")
    async with PostgresDatabase(uri) as database:
        yield database


async def test_a_commit_whose_answer_was_lost_is_found_to_be_done(behind_proxy, proxy):
    proxy.cut_next_commit("after")
    assert await behind_proxy.write(lambda c: (put("t")(c), "result")[1]) == "result"
    assert await behind_proxy.read(names) == ["t"]


async def test_a_commit_that_never_arrived_is_unavailable_and_nothing_is_stored(
    behind_proxy, proxy
):
    proxy.cut_next_commit("before")
    with pytest.raises(StoreUnavailable, match="nothing of this request was stored"):
        await behind_proxy.write(put("t"))
    assert await behind_proxy.read(names) == []


async def test_a_commit_nobody_can_tell_about_is_reported_as_unknown(
    behind_proxy, proxy, postgres_server
):
    proxy.after_cut = postgres_server.stop
    proxy.cut_next_commit("after")
    try:
        with pytest.raises(StoreUnavailable, match="may be stored or not"):
            await behind_proxy.write(put("t"))
    finally:
        postgres_server.start()
    assert await behind_proxy.read(names) == ["t"]


# -- connections and schema ----------------------------------------------------


async def test_no_more_connections_are_opened_than_allowed(postgres_uri, clock):
    async with PostgresDatabase(postgres_uri, max_connections=4) as database:
        desk = RunDesk(database, clock)
        reads = [database.read, database.read_with_graph] * 20
        await asyncio.gather(*[read(names) for read in reads], *[desk.thread() for _ in range(1)])
        assert (await desk.one(OWN_CONNECTIONS))[0] <= 4


async def test_closing_leaves_no_connection_behind(postgres_uri):
    async with PostgresDatabase(postgres_uri) as database:
        await database.write(put("t"))
        await asyncio.gather(database.read(names), database.read_with_graph(names))
    async with PostgresDatabase(postgres_uri) as database:
        count = await database.write(lambda c: c.execute(text(OWN_CONNECTIONS)).scalar_one())
        assert count == 1


async def test_a_job_that_goes_on_after_its_own_error_is_not_acknowledged(database):
    def careless(connection):
        put("t")(connection)
        with suppress(DataError):
            connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(StoreUnavailable):
        await database.write(careless)
    assert await database.read(names) == []


@pytest.fixture
def empty_uri(postgres_server):
    with postgres_server.fresh_database() as uri:
        yield uri


async def test_a_database_without_the_schema_is_refused_with_the_command_to_run(empty_uri):
    with pytest.raises(ConfigurationError, match="outrigger migrate"):
        await PostgresDatabase(empty_uri).__aenter__()


async def test_processes_that_migrate_at_once_do_it_once(empty_uri):
    await asyncio.gather(*[asyncio.to_thread(migrate_postgres, empty_uri) for _ in range(4)])
    async with PostgresDatabase(empty_uri) as database:
        assert await database.read(names) == []


async def test_an_open_may_bring_the_schema_up_to_date(empty_uri):
    async with PostgresDatabase(empty_uri, upgrade=True) as database:
        assert await database.read(names) == []


@pytest.mark.parametrize("upgrade", [True, False])
async def test_a_database_of_a_newer_version_is_refused(database, postgres_uri, upgrade):
    await database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num='9999'")))
    with pytest.raises(ConfigurationError, match="schema 9999"):
        await PostgresDatabase(postgres_uri, upgrade=upgrade).__aenter__()


async def test_a_database_that_cannot_be_reached_is_named_without_its_password():
    uri = "postgresql+psycopg://somebody:secret@127.0.0.1:1/nowhere"
    with pytest.raises(ConfigurationError, match="POSTGRES_URI") as raised:
        await PostgresDatabase(uri).__aenter__()
    assert "secret" not in str(raised.value)
