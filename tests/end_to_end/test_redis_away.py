"""Redis goes away under an API process and a worker: runs finish, nobody is left in the dark."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.cluster import Cluster, Program, started_cluster
from harness.frames import Frame, arriving, named
from harness.postgres import PostgresServer
from harness.redis import RedisServer, started_redis
from harness.runs import probe_input, until_status
from harness.slots import logged
from outrigger_server.runs.worker import POLL_SECONDS

pytestmark = pytest.mark.end_to_end

RUNS = 10
DEADLINE_SECONDS = 30.0


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with started_redis() as server:
        yield server


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer, redis: RedisServer
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("away")
    with (
        postgres_server.fresh_database() as uri,
        started_cluster(
            folder, postgres_uri=uri, redis_uri=redis.url, apis=1, workers=1
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=cluster.url, api_key=None) as client:
        yield client


@pytest.fixture
async def http(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=cluster.url, timeout=60) as http:
        yield http


async def until_noticed(programs: list[Program], event: str, times: list[int]) -> None:
    """Return once every process says `event` of its channels once more than `times`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while any(now <= then for now, then in zip(said(programs, event), times, strict=True)):
        assert time.monotonic() < deadline, f"no {event}"
        await asyncio.sleep(0.02)


def said(programs: list[Program], event: str) -> list[int]:
    return [len(logged(program, event, part="channels")) for program in programs]


async def thread_of(client: LangGraphClient) -> str:
    return str((await client.threads.create())["thread_id"])


def body(token: str, seconds: float) -> dict[str, Any]:
    return {
        "assistant_id": "probe_async",
        "input": probe_input(token, seconds),
        "stream_mode": ["updates"],
        "stream_resumable": True,
    }


def steps(frames: list[Frame]) -> list[str]:
    return [node for update in named(frames, "updates") for node in update]


async def test_runs_finish_without_redis_and_all_is_as_before_when_it_is_back(
    cluster: Cluster, client: LangGraphClient, http: httpx.AsyncClient, redis: RedisServer
) -> None:
    programs = [*cluster.apis, *cluster.workers]
    thread_id = await thread_of(client)
    path = f"/threads/{thread_id}/runs/stream"
    frames: list[Frame] = []
    async with http.stream("POST", path, json=body("open", 2.0)) as response:
        arrive = arriving(response)
        async for frame in arrive:
            frames.append(frame)
            if steps(frames) == ["first"]:
                break
        gone = said(programs, "redis_away")
        back = said(programs, "redis_back")
        redis.kill()
        await until_noticed(programs, "redis_away", gone)
        ok, info = await http.get("/ok"), await http.get("/info")
        threads = [await thread_of(client) for _ in range(3)]
        runs = [
            await client.runs.create(each, "probe_async", input=probe_input("meanwhile", 0))
            for each in threads
        ]
        for each, run in zip(threads, runs, strict=True):
            await until_status(client, each, run["run_id"], "success")
        (opened,) = await client.runs.list(thread_id)
        await until_status(client, thread_id, opened["run_id"], "success")
        redis.start()
        frames += [frame async for frame in arrive]
    assert (ok.status_code, info.status_code) == (200, 200)
    lost = [said for said in named(frames, "metadata") if said.get("status") == "events_lost"]
    assert steps(frames) == ["first", "middle", "last"] or lost
    numbers = [int(frame.id.partition("-")[2]) for frame in frames if frame.id]
    assert numbers == sorted(set(numbers))
    await until_noticed(programs, "redis_back", back)
    await assert_wake_ups_are_heard(client)
    await assert_streams_are_whole(client, http)


async def assert_wake_ups_are_heard(client: LangGraphClient) -> None:
    """Polls alone would begin one run in `POLL_SECONDS`: each is created after another's end."""
    thread_id = await thread_of(client)
    started = time.monotonic()
    for number in range(RUNS):
        await client.runs.wait(thread_id, "probe_async", input=probe_input(str(number), 0))
    assert time.monotonic() - started < (RUNS - 1) * POLL_SECONDS / 2


async def assert_streams_are_whole(client: LangGraphClient, http: httpx.AsyncClient) -> None:
    path = f"/threads/{await thread_of(client)}/runs/stream"
    frames: list[Frame] = []
    async with http.stream("POST", path, json=body("after", 0)) as response:
        frames += [frame async for frame in arriving(response)]
    assert steps(frames) == ["first", "middle", "last"]
    assert len(named(frames, "metadata")) == 1


async def test_a_frozen_redis_holds_up_no_run_and_no_answer(
    client: LangGraphClient, http: httpx.AsyncClient, redis: RedisServer
) -> None:
    threads = [await thread_of(client) for _ in range(3)]
    redis.freeze()
    try:
        assert (await http.get("/ok")).status_code == 200
        runs = [
            await client.runs.create(each, "probe_async", input=probe_input("frozen", 0))
            for each in threads
        ]
        for each, run in zip(threads, runs, strict=True):
            await until_status(client, each, run["run_id"], "success")
    finally:
        redis.thaw()
    await assert_streams_are_whole(client, http)
    await assert_wake_ups_are_heard(client)


async def test_a_reply_that_is_waited_for_comes_though_redis_goes_away_meanwhile(
    cluster: Cluster, client: LangGraphClient, redis: RedisServer
) -> None:
    thread_id = await thread_of(client)
    waiting = asyncio.ensure_future(
        client.runs.wait(thread_id, "probe_async", input=probe_input("reply", 1.0))
    )
    while not (runs := await client.runs.list(thread_id)):
        await asyncio.sleep(0.02)
    await until_status(client, thread_id, runs[0]["run_id"], "running")
    redis.kill()
    try:
        await until_status(client, thread_id, runs[0]["run_id"], "success")
    finally:
        redis.start()
    async with asyncio.timeout(DEADLINE_SECONDS):
        values: Any = await waiting
    assert values["log"] == [f"reply:{each}" for each in ("input", "first", "middle", "last")]
