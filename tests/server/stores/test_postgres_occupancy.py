"""One PostgreSQL, one process alone or several that share it: who gets in, who is kept out."""

from contextlib import AsyncExitStack
from functools import partial

import psycopg
import pytest

from outrigger_server.errors import ConfigurationError, StoreUnavailable
from outrigger_server.stores import threads
from outrigger_server.stores.postgres import PostgresDatabase

OTHER_USES_IT = "POSTGRES_URI: another Outrigger process uses this database. Set REDIS_URI"
OTHER_IS_ALONE = "POSTGRES_URI: an Outrigger process without REDIS_URI has this database"


def put(name):
    return partial(threads.ensure_thread, thread_id=name, now=1)


@pytest.fixture
async def enter(postgres_uri):
    async with AsyncExitStack() as stack:

        async def enter(*, alone):
            return await stack.enter_async_context(PostgresDatabase(postgres_uri, alone=alone))

        yield enter


def end_connections(uri):
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_several_that_share_it_are_let_in(enter):
    for name in ("a", "b", "c"):
        await (await enter(alone=False)).write(put(name))


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "shared"])
async def test_one_that_wants_it_alone_is_kept_out_while_another_is_in(enter, alone):
    first = await enter(alone=alone)
    with pytest.raises(ConfigurationError, match=OTHER_USES_IT):
        await enter(alone=True)
    await first.write(put("t"))


async def test_one_that_would_share_it_is_kept_out_while_one_is_in_alone(enter):
    first = await enter(alone=True)
    with pytest.raises(ConfigurationError, match=OTHER_IS_ALONE):
        await enter(alone=False)
    await first.write(put("t"))


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "shared"])
async def test_whoever_comes_after_it_was_left_is_let_in(postgres_uri, alone):
    for first in (True, False):
        async with PostgresDatabase(postgres_uri, alone=first):
            pass
        async with PostgresDatabase(postgres_uri, alone=alone) as database:
            await database.write(put("t"))


async def test_other_databases_of_the_server_are_others(enter, postgres_server, postgres_template):
    await enter(alone=True)
    with postgres_server.fresh_database(postgres_template) as uri:
        async with PostgresDatabase(uri, alone=True) as other:
            await other.write(put("t"))


async def test_other_schemas_of_the_database_are_others(enter, postgres_uri):
    await enter(alone=True)
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA other")
    elsewhere = f"{postgres_uri}?options=-csearch_path%3Dother"
    async with PostgresDatabase(elsewhere, alone=True, upgrade=True) as other:
        await other.write(put("t"))


async def test_it_is_taken_again_with_a_new_connection(enter, postgres_uri):
    first = await enter(alone=True)
    end_connections(postgres_uri)
    await first.write(put("t"))
    with pytest.raises(ConfigurationError, match=OTHER_USES_IT):
        await enter(alone=True)


async def test_it_is_taken_again_after_a_restart_of_the_server(enter, postgres_server):
    first = await enter(alone=True)
    postgres_server.stop()
    postgres_server.start()
    await first.write(put("t"))
    with pytest.raises(ConfigurationError, match=OTHER_IS_ALONE):
        await enter(alone=False)


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "shared"])
async def test_who_lost_it_to_another_writes_nothing_until_that_one_has_left(
    enter, postgres_uri, alone, capsys
):
    first = await enter(alone=True)
    end_connections(postgres_uri)
    async with PostgresDatabase(postgres_uri, alone=alone) as second:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="Another Outrigger process has taken"):
                await first.write(put("lost"))
        await second.write(put("kept"))
        assert await first.read(names) == ["kept"]
    await first.write(put("again"))
    assert await first.read(names) == ["again", "kept"]
    said = capsys.readouterr().out
    assert said.count("database_occupied") == 2  # the event and its code, once
    assert said.count("database_free_again") == 1


def names(connection):
    return sorted(connection.exec_driver_sql("SELECT thread_id FROM threads").scalars())
