"""Statements given to the driver: they mean what they mean by way of SQLAlchemy."""

import pytest
from sqlalchemy import bindparam, insert, select, update

from outrigger_server.stores.ready_statement import ReadyStatement
from outrigger_server.stores.tables import runs

EVERYTHING = [column for column in runs.c if column.name != "seq"]
ROW = {
    **dict.fromkeys(column.name for column in EVERYTHING),
    "run_id": "r",
    "thread_id": "t",
    "assistant_id": "a",
    "graph_id": "g",
    "status": "running",
    "multitask_strategy": "enqueue",
    "metadata": {"half": "\ud83d", "percent": "100 %s", "nothing": None},
    "kwargs": {"list": [1, 2.5, True], "quote": "'\"\\"},
    "created_at": 2**52,
    "updated_at": 1,
    "attempt": 1,
    "handed_back": 0,
    "spent": 0,
    "fenced": True,
    "source": "api",
}
ADD = ReadyStatement(insert(runs).inline())
BY_ID = ReadyStatement(select(*EVERYTHING).where(runs.c.run_id == bindparam("run")))
FREE = ReadyStatement(
    update(runs)
    .where(runs.c.run_id == bindparam("run"), runs.c.status == "running")
    .values(fenced=False, metadata=bindparam("meta"))
    .returning(runs.c.fenced, runs.c.metadata)
)


@pytest.fixture
async def added(database):
    await database.write(lambda connection: ADD.run(connection, ROW))


def as_sqlalchemy_reads(connection):
    return dict(connection.execute(BY_ID.core, {"run": "r"}).mappings().one())


async def test_a_row_is_written_as_sqlalchemy_reads_it(database, added):
    assert await database.read(as_sqlalchemy_reads) == ROW


async def test_a_row_is_read_as_sqlalchemy_reads_it(database, added):
    found = await database.read(lambda connection: BY_ID.first(connection, {"run": "r"}))
    assert found == await database.read(as_sqlalchemy_reads)
    assert type(found["fenced"]) is bool


async def test_all_rows_are_given_or_none(database, added):
    assert await database.read(lambda connection: BY_ID.all(connection, {"run": "r"})) == [ROW]
    assert await database.read(lambda connection: BY_ID.all(connection, {"run": "x"})) == []
    assert await database.read(lambda connection: BY_ID.first(connection, {"run": "x"})) is None


async def test_values_of_the_statement_itself_go_with_those_given(database, added):
    given = {"run": "r", "meta": {"a": 1}}
    changed = await database.write(lambda connection: FREE.first(connection, given))
    assert changed == {"fenced": False, "metadata": {"a": 1}}
    assert await database.write(lambda c: FREE.first(c, given | {"run": "x"})) is None
