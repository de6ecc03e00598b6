"""Sidecars of scaled mode: beside `outrigger up` and beside a worker, databases come and go."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.cluster import Cluster, started_cluster
from harness.metrics_page import MetricsPage, labelled, read_metrics
from harness.postgres import PostgresServer, started_postgres
from harness.processes import (
    Server,
    clean_environment,
    started_server,
)
from harness.redis import RedisServer, started_redis
from harness.runs import probe_input, until_marked
from harness.sidecar import started_sidecar

pytestmark = pytest.mark.end_to_end

PASSWORD = "hunter22-is-secret"
FAST_CHECKS = {
    "OUTRIGGER_SIDECAR_INTERVAL_SECONDS": "0.1",
    "OUTRIGGER_SIDECAR_PROBE_TIMEOUT_SECONDS": "2",
}
OURS = {"exclude": "cpu,memory,disk"}
DEADLINE_SECONDS = 30.0
MOST_MEMORY = 90_000_000
"""At rest it takes 70 MB with both drivers; SQLAlchemy alone would take 20 more."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """One that asks for a password, which then must not be seen anywhere."""
    with started_postgres(password=PASSWORD) as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with started_redis() as server:
        yield server


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, redis: RedisServer
) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("scaled") / "data"
    with postgres.fresh_database() as uri:
        environment = {
            **FAST_CHECKS,
            "POSTGRES_URI": uri,
            "REDIS_URI": redis.url,
            "OUTRIGGER_MIGRATE_ON_START": "true",
        }
        with started_server(data_dir, sidecar=True, environment=environment) as server:
            yield server


@pytest.fixture
async def sidecar(server: Server) -> Any:
    async with httpx.AsyncClient(base_url=server.sidecar_url, timeout=30) as http:
        await until_health(http, "healthy")
        yield http


async def until_health(http: httpx.AsyncClient, status: str) -> dict[str, dict[str, Any]]:
    """Return the checks of the sidecar's /health once all of them add up to `status`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = await http.get("/health", params=OURS)
        body: dict[str, Any] = answer.json()
        assert answer.status_code == (503 if body["status"] == "unhealthy" else 200)
        if body["status"] == status:
            checks: dict[str, dict[str, Any]] = body["checks"]
            return checks
        assert time.monotonic() < deadline, body
        await asyncio.sleep(0.02)


async def until_page(url: str, name: str, expected: dict[Any, float]) -> MetricsPage:
    """Return the sidecar's page once these series of `name` have these values."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        page = await asyncio.to_thread(read_metrics, url)
        if expected.items() <= page.samples.get(name, {}).items():
            return page
        assert time.monotonic() < deadline, page.samples.get(name)
        await asyncio.sleep(0.05)


async def test_runs_and_queue_on_the_page_are_those_in_the_database(
    server: Server, sidecar: httpx.AsyncClient, client: LangGraphClient
) -> None:
    thread_id = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread_id, "probe_async", input=probe_input("done", 0))
    held = await client.runs.create(thread_id, "probe_async", input=probe_input("held", 600))
    for name in ("second", "third"):
        await client.runs.create(thread_id, "probe_async", input=probe_input(name, 0))
    await until_marked(client, thread_id, "held:first")
    live = {labelled(status="pending"): 2.0, labelled(status="running"): 1.0}
    page = await until_page(server.sidecar_url, "langgraph_runs", live)
    assert page.value("langgraph_run_queue_depth", blocked="true") == 2
    assert page.value("langgraph_run_queue_depth", blocked="false") == 0
    assert page.value("langgraph_runs_stuck", kind="running_without_lease") == 0
    for run in await client.runs.list(thread_id):
        if run["status"] == "pending":
            await client.runs.delete(thread_id, run["run_id"])
    await client.runs.cancel(thread_id, held["run_id"], wait=True)
    nothing = dict.fromkeys(live, 0.0)
    page = await until_page(server.sidecar_url, "langgraph_runs", nothing)
    counted = {labelled(status="success"): 1.0, labelled(status="interrupted"): 1.0}
    page = await until_page(server.sidecar_url, "langgraph_runs", counted)
    assert page.value("langgraph_sidecar_collector_success", collector="runs") == 1
    for pool in ("redis", "writer", "reader"):
        assert page.value("langgraph_db_pool_acquire_seconds_count", pool=pool) > 0, pool
    # The channels keep a connection to Redis for as long as the server runs.
    assert page.value("langgraph_db_pool_connections", pool="redis", state="busy") >= 1
    idle = {labelled(pool="reader"): 0.0}
    await until_page(server.sidecar_url, "langgraph_db_pool_waiting", idle)


async def test_without_redis_it_is_degraded_and_heals_by_itself(
    sidecar: httpx.AsyncClient, redis: RedisServer
) -> None:
    redis.kill()
    try:
        checks = await until_health(sidecar, "degraded")
        ready = await sidecar.get("/readyz")
    finally:
        redis.start()
    assert (checks["redis"]["status"], checks["redis"]["detail"]) == ("failed", "no connection")
    assert checks["database"]["status"] == "ok"
    assert ready.status_code == 200
    assert (await until_health(sidecar, "healthy"))["redis"]["status"] == "ok"


async def test_without_postgresql_it_is_unhealthy_and_heals_by_itself(
    server: Server, sidecar: httpx.AsyncClient, postgres: PostgresServer
) -> None:
    postgres.stop()
    try:
        checks = await until_health(sidecar, "unhealthy")
        ready = await sidecar.get("/readyz")
        page = await asyncio.to_thread(read_metrics, server.sidecar_url)
        checks = await until_health(sidecar, "unhealthy")
    finally:
        postgres.start()
    assert checks["database"]["status"] == "failed"
    assert checks["queue"]["status"] == "unknown"
    assert ready.status_code == 503
    assert page.value("langgraph_sidecar_collector_success", collector="queue") == 0
    assert "langgraph_run_queue_depth" not in page.samples
    checks = await until_health(sidecar, "healthy")
    assert {checks[name]["status"] for name in ("database", "queue", "redis")} == {"ok"}
    page = await asyncio.to_thread(read_metrics, server.sidecar_url)
    assert page.value("langgraph_sidecar_collector_success", collector="queue") == 1


async def test_its_memory_stays_small_and_no_command_line_holds_the_password(
    server: Server, sidecar: httpx.AsyncClient
) -> None:
    (process,) = psutil.Process(server.pid).children()
    await asyncio.to_thread(read_metrics, server.sidecar_url)
    loaded = {Path(region.path).parts for region in process.memory_maps()}
    assert any("redis" in part or "psycopg_binary" in part for path in loaded for part in path)
    assert not [path for path in loaded if "sqlalchemy" in path]
    assert process.memory_info().rss < MOST_MEMORY
    assert PASSWORD not in " ".join(process.cmdline())
    assert PASSWORD not in (await sidecar.get("/health")).text
    assert PASSWORD not in server.log.read_text()


@pytest.fixture
def cluster(
    tmp_path: Path, postgres: PostgresServer, redis: RedisServer
) -> Iterator[tuple[Cluster, str]]:
    with (
        postgres.fresh_database() as uri,
        started_cluster(
            tmp_path, postgres_uri=uri, redis_uri=redis.url, apis=1, workers=1
        ) as cluster,
    ):
        yield cluster, uri


async def test_beside_a_worker_there_is_no_server_and_ready_is_who_has_slots(
    cluster: tuple[Cluster, str], redis: RedisServer, tmp_path: Path
) -> None:
    processes, uri = cluster
    given = {"POSTGRES_URI": uri, "REDIS_URI": redis.url, "OUTRIGGER_SIDECAR_TARGET": ""}
    beside = ("--data-dir", str(tmp_path / "worker-0"))
    with started_sidecar(tmp_path, *beside, **given) as url:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            checks = await until_health(http, "healthy")
            assert (checks["server"]["status"], checks["workers"]["status"]) == ("off", "ok")
            assert (await http.get("/readyz")).json()["workers"] == "ok"
            processes.workers[0].kill()
            checks = await until_health(http, "degraded")
            assert checks["workers"]["detail"] == "no process has slots for runs"
            assert (await http.get("/readyz")).status_code == 503


async def test_beside_an_api_process_the_workers_are_elsewhere(
    cluster: tuple[Cluster, str], redis: RedisServer, tmp_path: Path
) -> None:
    processes, uri = cluster
    port = next(iter(processes.apis)).command
    target = f"http://127.0.0.1:{port[port.index('--port') + 1]}"
    given = {"POSTGRES_URI": uri, "REDIS_URI": redis.url, "OUTRIGGER_SIDECAR_TARGET": target}
    beside = ("--data-dir", str(tmp_path / "api-0"))
    with started_sidecar(tmp_path, *beside, **given) as url:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            checks = await until_health(http, "healthy")
            assert (checks["server"]["status"], checks["workers"]["status"]) == ("ok", "off")


def modules_of(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a Python says that puts the sidecar's parts together as its start does."""
    program = (
        "import os, sys\n"
        f"{code}\n"
        "from outrigger_sidecar import app, cli\n"
        "from outrigger_telemetry.metrics import local_metrics\n"
        "settings = cli.load_settings(os.environ, {})\n"
        "app.open_database(settings).close()\n"
        "app.make_redis_probe(settings, local_metrics(app.OWN_METRICS))\n"
        "print(*sorted(name.partition('.')[0] for name in sys.modules))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


NO_DRIVERS = "sys.modules.update(psycopg=None, redis=None)"
URIS = {"POSTGRES_URI": "postgresql://me:hunter22@a/b", "REDIS_URI": "redis://me:hunter22@a"}


def test_the_embedded_sidecar_needs_and_loads_no_driver() -> None:
    done = modules_of("")
    assert done.returncode == 0, done.stderr
    assert not {"psycopg", "redis", "sqlalchemy"} & set(done.stdout.split())
    assert modules_of(NO_DRIVERS).returncode == 0


def test_the_scaled_sidecar_loads_the_drivers_and_no_sqlalchemy() -> None:
    done = modules_of("", **URIS)
    assert done.returncode == 0, done.stderr
    assert {"psycopg", "redis"} <= set(done.stdout.split())
    assert "sqlalchemy" not in done.stdout.split()


def test_a_missing_driver_is_one_clear_line(tmp_path: Path) -> None:
    program = f"import sys\n{NO_DRIVERS}\nfrom outrigger_sidecar.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--port", "0", "--data-dir", str(tmp_path)],
        env=clean_environment(**URIS),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last == (
        "outrigger-sidecar: POSTGRES_URI needs a driver:"
        " pip install 'langgraph-outrigger[sidecar,postgres]'"
    )
    assert "hunter22" not in done.stdout + done.stderr
