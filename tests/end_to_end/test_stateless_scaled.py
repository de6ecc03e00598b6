"""Stateless runs, webhooks and cancels of many where one process takes requests and others work."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.cluster import Cluster, started_cluster
from harness.frames import named, parse
from harness.history import marks
from harness.postgres import PostgresServer
from harness.processes import PROBES
from harness.receiver import started_receiver
from harness.redis import RedisServer
from harness.runs import probe_input, start, until_ended, until_gone, until_status

pytestmark = pytest.mark.end_to_end

LONG_SECONDS = 60.0


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe graphs, with webhooks to this machine allowed."""
    graphs = json.loads(PROBES.read_text())["graphs"]
    places = {name: str(PROBES.parent / place) for name, place in graphs.items()}
    path = tmp_path_factory.mktemp("scaled") / "langgraph.json"
    rules = {"url": {"disable_loopback": False}}
    path.write_text(json.dumps({"graphs": places, "webhooks": rules}))
    return path


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    manifest: Path,
) -> Iterator[Cluster]:
    environment = {
        "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5",
        "OUTRIGGER_LEASE_SECONDS": "2",
        "OUTRIGGER_WEBHOOK_TIMEOUT_SECONDS": "1",
    }
    with (
        postgres_server.fresh_database() as postgres_uri,
        started_cluster(
            tmp_path_factory.mktemp("stateless_scaled"),
            postgres_uri=postgres_uri,
            redis_uri=redis_server.url,
            apis=1,
            workers=2,
            config=manifest,
            environment=environment,
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=cluster.url, api_key=None) as client:
        yield client


@pytest.fixture
async def http(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=cluster.url, timeout=30) as http:
        yield http


async def test_stateless_runs_answer_and_leave_nothing(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    body = {"assistant_id": "probe_async", "input": probe_input("T", 0.1)}
    waited = await http.post("/runs/wait", json=body)
    assert waited.json()["log"] == marks("T")
    streamed = await http.post("/runs/stream", json=body)
    assert named(parse(streamed.content), "values")[-1]["log"] == marks("T")
    batch = (await http.post("/runs/batch", json=[body, body])).json()
    thread_id = waited.headers["content-location"].split("/")[2]
    for each in (thread_id, *(run["thread_id"] for run in batch)):
        await until_gone(client, each)


async def test_a_run_that_another_process_drops_is_told(
    client: LangGraphClient, thread_id: str
) -> None:
    with started_receiver() as receiver:
        running = await start(client, thread_id, "probe_async", "R", LONG_SECONDS)
        await until_status(client, thread_id, running, "running")
        waiting = await start(
            client, thread_id, "probe_async", "W", LONG_SECONDS, webhook=receiver.url
        )
        await client.runs.cancel_many(status="all")
        (call,) = await asyncio.to_thread(receiver.wait_for, 1)
    assert (call.json["run_id"], call.json["status"]) == (waiting, "interrupted")
    assert await until_ended(client, thread_id, running) == "interrupted"


async def test_a_webhook_whose_sender_is_killed_is_made_by_another(
    cluster: Cluster, client: LangGraphClient, thread_id: str
) -> None:
    with started_receiver() as receiver:
        receiver.hung.clear()
        run_id = await start(client, thread_id, "probe_async", "T", 0.0, webhook=receiver.url)
        await asyncio.to_thread(receiver.wait_for, 1)
        for worker in cluster.workers:
            worker.kill()
        receiver.hung.set()
        for worker in cluster.workers:
            worker.start()
        for worker in cluster.workers:
            worker.wait_until_ready()
        first, second = (await asyncio.to_thread(receiver.wait_for, 2))[:2]
    assert first.json["run_id"] == second.json["run_id"] == run_id
