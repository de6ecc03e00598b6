"""Half of the workers are killed under load, and a real Prometheus sees nothing go backwards."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.cluster import Cluster, Program, started_cluster
from harness.postgres import PostgresServer
from harness.prometheus import Prometheus, Series, started_prometheus
from harness.redis import RedisServer
from harness.runs import probe_input
from harness.sidecar import started_sidecar

pytestmark = pytest.mark.end_to_end

WORKERS = 4
SLOTS = 2
LEASE_SECONDS = 2
DEADLINE_SECONDS = 60.0
THREADS = 12
CUMULATIVE = '{__name__=~"(langgraph|http_server)_.*_(total|count|sum|bucket)"}'


@dataclass(frozen=True)
class Watched:
    """A cluster whose processes share one folder of metrics, and who looks at it."""

    cluster: Cluster
    prometheus: Prometheus
    metrics_dir: Path


@pytest.fixture
def watched(
    tmp_path: Path, postgres_server: PostgresServer, redis_server: RedisServer
) -> Iterator[Watched]:
    metrics_dir = tmp_path / "metrics"
    with ExitStack() as stack:
        uri = stack.enter_context(postgres_server.fresh_database())
        given = {"OUTRIGGER_METRICS_DIR": str(metrics_dir)}
        cluster = stack.enter_context(
            started_cluster(
                tmp_path,
                postgres_uri=uri,
                redis_uri=redis_server.url,
                apis=1,
                workers=WORKERS,
                environment={
                    **given,
                    "OUTRIGGER_WORKER_SLOTS": str(SLOTS),
                    "OUTRIGGER_LEASE_SECONDS": str(LEASE_SECONDS),
                },
            )
        )
        scaled = {"POSTGRES_URI": uri, "REDIS_URI": redis_server.url, **given}
        beside = ("--target", cluster.api_urls[0])
        sidecar = stack.enter_context(started_sidecar(tmp_path, *beside, **scaled))
        scraped = {"sidecar": [urlsplit(sidecar).netloc]}
        prometheus = stack.enter_context(started_prometheus(scraped, scrape_seconds=0.2))
        yield Watched(cluster, prometheus, metrics_dir)


async def load(client: LangGraphClient, done: asyncio.Event) -> int:
    """Keep every thread busy until it is enough; return how many runs were accepted."""

    async def keep_busy() -> int:
        thread_id = (await client.threads.create())["thread_id"]
        count = 0
        while not done.is_set():
            asked = probe_input(str(count), 0.2)
            await client.runs.wait(thread_id, "probe_async", input=asked, raise_error=False)
            count += 1
        return count

    return sum(await asyncio.gather(*(keep_busy() for _ in range(THREADS))))


async def until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await asyncio.to_thread(is_so):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.1)


def files(watched: Watched) -> list[str]:
    return sorted(path.name for path in watched.metrics_dir.iterdir())


def about(process: Program, series: list[Series]) -> list[Series]:
    """The series that are about this process."""
    suffix = f"-{process.process.pid}"
    return [each for each in series if each.labels.get("worker", "").endswith(suffix)]


async def test_no_counter_falls_no_file_stays_and_the_gauges_of_the_dead_vanish(
    watched: Watched,
) -> None:
    ask, number = watched.prometheus.ask, watched.prometheus.number
    victims = watched.cluster.workers[: WORKERS // 2]
    done = asyncio.Event()
    async with get_client(url=watched.cluster.url, api_key=None) as client:
        loading = asyncio.create_task(load(client, done))
        await until(
            lambda: (
                number("langgraph_worker_slots{state='busy'}") == WORKERS * SLOTS
                and number("sum(langgraph_runs_finished_total)") >= THREADS
            ),
            "the workers are not all at work",
        )
        before = len([name for name in files(watched) if name.endswith(".lock")])
        assert all(len(about(each, ask("langgraph_worker_up == 1"))) == 1 for each in victims)
        for each in victims:
            each.kill()
        expired = "sum(langgraph_leases_expired_total{outcome='requeued'})"
        await until(lambda: number(expired) >= 1, "no lease has expired")
        recovered = "sum(langgraph_runs_recovered_total{outcome='requeued'})"
        await until(lambda: number(recovered) >= 1, "no run was taken over")
        done.set()
        accepted = await loading

    finished = "sum(langgraph_runs_finished_total)"
    await until(lambda: number(finished) == accepted, "Prometheus counts other runs than we do")
    assert number("sum(langgraph_runs_created_total)") == accepted
    names = [each.labels["__name__"] for each in ask(f"count by (__name__) ({CUMULATIVE})")]
    assert {name: fallen for name in names if (fallen := ask(f"resets({name}[10m]) > 0"))} == {}
    assert {"langgraph_runs_finished_total", "langgraph_run_duration_seconds_bucket"} <= set(names)
    await until(
        lambda: (
            len([name for name in files(watched) if name.endswith(".lock")])
            == before - len(victims)
        ),
        "files of the dead stay",
    )
    folded = [name for name in files(watched) if name.endswith(".db")]
    assert len([name for name in folded if "archive" in name]) == 2
    assert len(folded) == 2 + 3 * (before - len(victims))
    assert number("sum(langgraph_worker_slots)") == (WORKERS - len(victims)) * SLOTS
    memory = ask("process_resident_memory_bytes")
    up = ask("langgraph_worker_up")
    ages = ask("langgraph_worker_heartbeat_age_seconds")
    for each in victims:
        assert about(each, memory) == []
        assert about(each, ages) == []
        (down,) = about(each, up)
        assert down.value == 0
    assert sum(each.value for each in up) == WORKERS - len(victims)
    assert len(ages) == WORKERS - len(victims)
    assert max(each.value for each in ages) < LEASE_SECONDS * 2
