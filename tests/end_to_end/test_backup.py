"""The commands of docs/backup.md, word for word: what was there is there again, and goes on."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.documents import block_after, document
from harness.keepsakes import assert_full, assert_goes_on, leave_keepsakes, picture_of
from harness.operator_shell import carried_out
from harness.postgres import PostgresServer
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.redis import RedisServer

pytestmark = pytest.mark.end_to_end

BACKUP = document("backup")
SQLITE = "SQLite"
DUMP = "PostgreSQL: a dump"
RESTORED = "outrigger_restored"


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=server.url, api_key=None) as client:
        yield client


async def test_a_backup_of_sqlite_comes_back_over_what_a_crash_left(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    given = {"OUTRIGGER_DATA_DIR": str(folder), "BACKUP": str(tmp_path)}
    with started_server(folder, config=TEST_GRAPHS) as server:
        async with client_of(server) as client:
            kept = await leave_keepsakes(client)
            before = await picture_of(client, kept)
            assert carried_out(block_after(BACKUP, SQLITE, "back up"), **given) == "ok\n"
            later = await client.threads.create()
        server.kill()
    assert (folder / "outrigger.db-wal").stat().st_size > 0
    carried_out(block_after(BACKUP, SQLITE, "restore"), **given)
    with started_server(folder, config=TEST_GRAPHS) as server:
        async with client_of(server) as client:
            assert_full(before)
            assert await picture_of(client, kept) == before
            assert await client.threads.search(ids=[later["thread_id"]]) == []
            await assert_goes_on(client, kept, server.log)


@pytest.fixture
def restored_uri(postgres_server: PostgresServer) -> Iterator[str]:
    yield postgres_server.url_of(RESTORED)
    postgres_server.drop_database(RESTORED)


async def test_a_dump_of_postgresql_comes_back_in_a_new_database(
    tmp_path: Path, postgres_server: PostgresServer, redis_server: RedisServer, restored_uri: str
) -> None:
    shared = {"REDIS_URI": redis_server.url, "OUTRIGGER_LEASE_SECONDS": "1"}
    with postgres_server.fresh_database() as uri:
        given = {
            "POSTGRES_URI": uri,
            "REDIS_URI": redis_server.url,
            "RESTORED_URI": restored_uri,
            "BACKUP": str(tmp_path),
        }
        old = shared | {"POSTGRES_URI": uri, "OUTRIGGER_MIGRATE_ON_START": "true"}
        with started_server(tmp_path / "old", config=TEST_GRAPHS, environment=old) as server:
            async with client_of(server) as client:
                kept = await leave_keepsakes(client)
                before = await picture_of(client, kept)
                carried_out(block_after(BACKUP, DUMP, "back up"), **given)
            server.kill()
        assert redis_server.say("DBSIZE") > 0
        carried_out(block_after(BACKUP, DUMP, "restore"), **given)
        assert redis_server.say("DBSIZE") == 0
    new = shared | {"POSTGRES_URI": restored_uri}
    with started_server(tmp_path / "new", config=TEST_GRAPHS, environment=new) as server:
        async with client_of(server) as client:
            assert_full(before)
            assert await picture_of(client, kept) == before
            await assert_goes_on(client, kept, server.log)
