"""The writer thread when SQLite's disk is full."""

import pytest

from harness.writer_gate import Gate, behind
from outrigger_server.errors import StoreUnavailable

PUT = "INSERT INTO store (prefix, key, value) VALUES ('p', ?, ?)"


@pytest.fixture
def database(sqlite_database):
    return sqlite_database


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


def put(key):
    return lambda connection: connection.exec_driver_sql(PUT, (key, "1")).rowcount


def keys(connection):
    return sorted(connection.exec_driver_sql("SELECT key FROM store").scalars())


def fill(connection):
    connection.exec_driver_sql(PUT, ("big", "x" * 2_000_000))


async def limit_space(database):
    """Let the file not grow any more."""

    def job(connection):
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await database.write(job)


async def give_space(database):
    await database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").scalar())


async def test_a_full_disk_makes_the_store_unavailable_and_stores_nothing(database):
    await limit_space(database)
    with pytest.raises(StoreUnavailable, match="full"):
        await database.write(fill)
    assert await database.read(keys) == []


async def test_writes_succeed_again_once_there_is_space(database):
    await limit_space(database)
    with pytest.raises(StoreUnavailable):
        await database.write(fill)
    await give_space(database)
    await database.write(fill)
    assert await database.read(keys) == ["big"]


async def test_with_a_full_disk_no_job_is_acknowledged_that_is_not_stored(database, gate):
    await limit_space(database)
    outcomes = await behind(gate, database, put("a"), fill, put("b"))
    await give_space(database)
    stored = await database.read(keys)
    acknowledged = [key for key, outcome in zip("a-b", outcomes, strict=True) if outcome == 1]
    assert isinstance(outcomes[1], StoreUnavailable)
    assert stored == acknowledged
