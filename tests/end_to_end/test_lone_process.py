"""PostgreSQL without Redis is for one process: a second one is told so and does not start."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from langgraph_sdk import get_client

from harness.postgres import PostgresServer
from harness.processes import PROBES, Server, started_server
from harness.redis import RedisServer
from harness.runs import start, until_in_middle, until_status
from harness.starts import refused_start, write_files

pytestmark = pytest.mark.end_to_end

ALONE = (
    "outrigger: POSTGRES_URI: another Outrigger process uses this database. Set REDIS_URI for "
    "both, so that they can share it, or stop that one.\n"
)
SHARED = (
    "outrigger: POSTGRES_URI: an Outrigger process without REDIS_URI has this database for "
    "itself. Stop it, or start it with the same REDIS_URI.\n"
)


@pytest.fixture
def uri(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.fresh_database() as uri:
        yield uri


@contextmanager
def serving(folder: Path, uri: str, **environment: str) -> Iterator[Server]:
    environment |= {"POSTGRES_URI": uri, "OUTRIGGER_MIGRATE_ON_START": "true"}
    with started_server(folder / "first", environment=environment) as server:
        yield server


def test_a_second_process_does_not_start_and_the_first_goes_on(
    tmp_path: Path, uri: str, redis_server: RedisServer
) -> None:
    write_files(tmp_path, {})
    with serving(tmp_path, uri) as first:
        second = refused_start(tmp_path, environment={"POSTGRES_URI": uri})
        assert (second.code, second.stderr, second.listens) == (1, ALONE, False)
        scaled = {"POSTGRES_URI": uri, "REDIS_URI": redis_server.url}
        third = refused_start(tmp_path, environment=scaled)
        assert (third.code, third.stderr, third.listens) == (1, SHARED, False)
        answer = httpx.post(f"{first.url}/threads", json={}, timeout=30)
        assert answer.status_code == 200


def test_a_process_without_redis_does_not_start_beside_those_that_have_one(
    tmp_path: Path, uri: str, redis_server: RedisServer
) -> None:
    write_files(tmp_path, {})
    redis_server.start()
    with serving(tmp_path, uri, REDIS_URI=redis_server.url) as first:
        second = refused_start(tmp_path, environment={"POSTGRES_URI": uri})
        assert (second.code, second.stderr, second.listens) == (1, ALONE, False)
        with started_server(
            tmp_path / "second", environment={"POSTGRES_URI": uri, "REDIS_URI": redis_server.url}
        ) as another:
            for server in (first, another):
                answer = httpx.post(f"{server.url}/threads", json={}, timeout=30)
                assert answer.status_code == 200


async def test_one_that_was_killed_is_followed_at_once_and_its_runs_go_on(
    tmp_path: Path, uri: str
) -> None:
    with serving(tmp_path, uri, OUTRIGGER_LEASE_SECONDS="3600") as server:
        async with get_client(url=server.url, api_key=None) as client:
            thread_id = (await client.threads.create())["thread_id"]
            run_id = await start(client, thread_id, "probe_async", "T", 1.0)
            await until_in_middle(client, thread_id, run_id)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.restart)
            await until_status(client, thread_id, run_id, "success")


async def test_one_that_lost_the_database_to_another_says_so_and_works_off_nothing(
    tmp_path: Path, uri: str, postgres_server: PostgresServer
) -> None:
    with serving(tmp_path, uri, OUTRIGGER_NO_WORKER="true") as first:
        # It has nothing to write, so it does not notice at once that its connection is gone.
        await asyncio.to_thread(postgres_server.stop)
        await asyncio.to_thread(postgres_server.start)
        environment = {"POSTGRES_URI": uri}
        with started_server(tmp_path / "second", config=PROBES, environment=environment) as second:
            async with httpx.AsyncClient(timeout=30) as http:
                refused = await http.post(f"{first.url}/threads", json={})
                assert refused.status_code == 503
                assert refused.json()["detail"].startswith("Another Outrigger process has taken")
                assert (await http.post(f"{second.url}/threads", json={})).status_code == 200
        assert httpx.post(f"{first.url}/threads", json={}, timeout=30).status_code == 200
