"""docker-compose.yml without an engine: its services as processes, from the shipped files.

nginx, two API processes, two workers, their sidecars, PostgreSQL, Redis and Prometheus; then each
of them is restarted while people double-text.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from itertools import cycle

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.history import marks
from harness.postgres import PostgresServer, started_postgres
from harness.runs import probe_input
from harness.topology.people import Heard, Reader, Talk
from harness.topology.system import Topology, started_topology
from outrigger_client.client import Client
from outrigger_client.operations.options import Strategy
from outrigger_client.settings import ClientSettings, Retries

pytestmark = pytest.mark.end_to_end

PATIENT = ClientSettings(retries=Retries(tries=30, longest_pause_seconds=1.0))
DEADLINE_SECONDS = 60.0
STRATEGIES: tuple[Strategy, ...] = ("reject", "enqueue", "interrupt", "rollback")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """One of its own, because it is restarted, too."""
    with started_postgres(fsync=True) as server:
        yield server


@pytest.fixture(scope="module")
def topology(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[Topology]:
    folder = tmp_path_factory.mktemp("topology")
    with postgres.fresh_database() as uri, started_topology(folder, uri) as topology:
        yield topology


@pytest.fixture
async def sdk(topology: Topology) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=topology.url, api_key=topology.api_key) as client:
        yield client


@pytest.fixture
async def http(topology: Topology) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x-api-key": topology.api_key}
    async with httpx.AsyncClient(base_url=topology.url, headers=headers, timeout=30) as http:
        yield http


async def test_the_sdk_works_through_nginx_and_both_servers_are_asked(
    topology: Topology, sdk: LangGraphClient
) -> None:
    for number in range(10):
        thread = await sdk.threads.create()
        values = await sdk.runs.wait(
            thread["thread_id"], "probe_async", input=probe_input(f"W{number}", 0.01)
        )
        assert values["log"] == marks(f"W{number}")
    asked = set(re.findall(rb'"upstreams":"([^"]+)"', topology.container("nginx").said))
    servers = {f"{topology.addresses[name]}:8000".encode() for name in ("server-1", "server-2")}
    assert asked >= servers


async def test_nobody_comes_in_without_a_key(topology: Topology) -> None:
    async with httpx.AsyncClient(base_url=topology.url, timeout=30) as http:
        assert (await http.post("/threads", json={})).status_code == 401
        assert (await http.get("/ok")).status_code == 200


async def test_events_pass_nginx_one_by_one(http: httpx.AsyncClient) -> None:
    """The run goes on for as long as it takes to be told otherwise: events come before its end."""
    thread_id = (await http.post("/threads", json={})).json()["thread_id"]
    body = {
        "assistant_id": "probe_async",
        "input": probe_input("S", 600.0),
        "stream_mode": ["updates"],
    }
    async with http.stream("POST", f"/threads/{thread_id}/runs/stream", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        received = b""
        async for chunk in answer.aiter_raw():
            received += chunk
            if b'"first"' in received:
                break
        run_id = answer.headers["content-location"].rpartition("/")[2]
        row = await http.get(f"/threads/{thread_id}/runs/{run_id}")
        assert row.json()["status"] == "running"
        cancelled = await http.post(f"/threads/{thread_id}/runs/{run_id}/cancel?wait=true")
        assert cancelled.status_code < 300


async def test_a_request_has_one_id_on_its_way(topology: Topology, http: httpx.AsyncClient) -> None:
    answer = await http.get("/ok", headers={"x-request-id": "of-my-own.1"})
    assert answer.headers["x-request-id"] == "of-my-own.1"
    given = (await http.post("/threads", json={})).headers["x-request-id"]
    strange = await http.get("/ok", headers={"x-request-id": 'a"b c'})
    assert re.fullmatch("[0-9a-f]{32}", strange.headers["x-request-id"])
    logs = b"".join(topology.container(name).log.read_bytes() for name in ("server-1", "server-2"))
    assert given.encode() in logs
    assert given.encode() in topology.container("nginx").said


async def test_health_is_what_the_sidecar_says(topology: Topology, http: httpx.AsyncClient) -> None:
    sidecar = f"http://{topology.addresses['server-sidecar']}:9464/health"
    answer = await http.get("/health")
    told = httpx.get(sidecar).json()
    assert answer.status_code == 200
    assert answer.json()["status"] == told["status"]
    assert "checks" not in answer.json()


async def test_prometheus_scrapes_the_sidecars_and_has_the_rules(topology: Topology) -> None:
    async with httpx.AsyncClient(base_url=topology.prometheus, timeout=30) as prometheus:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (up := await _up(prometheus)) != {
            "outrigger-server",
            "outrigger-worker",
            "prometheus",
        }:
            assert time.monotonic() < deadline, up
            await asyncio.sleep(0.2)
        groups = (await prometheus.get("/api/v1/rules")).json()["data"]["groups"]
    assert len(groups) > 5


async def _up(prometheus: httpx.AsyncClient) -> set[str]:
    answer = await prometheus.get("/api/v1/query", params={"query": "up == 1"})
    return {each["metric"]["job"] for each in answer.json()["data"]["result"]}


async def test_a_restart_of_everything_under_double_texting_loses_nothing(
    topology: Topology, postgres: PostgresServer
) -> None:
    heard, stop = Heard(), asyncio.Event()
    async with Client(
        topology.url, api_key=topology.api_key, settings=PATIENT, hook=heard.hook
    ) as client:
        talks = [Talk(client, each, each) for each in STRATEGIES]
        readers = [Reader(client, f"reader-{number}", 4.0) for number in range(2)]
        async with asyncio.TaskGroup() as tasks:
            for each in talks:
                tasks.create_task(each.hold(stop))
            for reader in readers:
                tasks.create_task(reader.follow(stop))
            try:
                await _restart_all(topology, postgres, talks)
            finally:
                stop.set()
        faults = [fault for each in talks for fault in await each.faults()]
    assert faults + [fault for reader in readers for fault in reader.faults] == []
    assert heard.failed == []
    assert heard.gaps == 0


async def _restart_all(topology: Topology, postgres: PostgresServer, talks: list[Talk]) -> None:
    """One after the other, as soon as people have gone on talking since the one before."""

    def restart_postgres() -> None:
        postgres.stop()
        postgres.start()

    redis, *others = topology.containers
    restarts = {each.name: each.restart for each in [*others, redis]}
    for name, restart in {**restarts, "postgres": restart_postgres}.items():
        before = {each.name: len(each.accepted) for each in talks}
        await asyncio.to_thread(restart)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while any(len(each.accepted) <= before[each.name] for each in talks):
            assert time.monotonic() < deadline, f"nobody gets on after {name}"
            await asyncio.sleep(0.05)


async def _break_a_stream(topology: Topology, heard: Heard) -> None:
    """Restart the servers until one has gone while it streamed; most often one has already."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    servers = cycle(("server-1", "server-2"))
    while not heard.resumed:
        assert time.monotonic() < deadline, "no stream was broken: the test has not tried anything"
        await asyncio.to_thread(topology.container(next(servers)).restart)
