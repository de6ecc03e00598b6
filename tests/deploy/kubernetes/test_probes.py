"""The real programs answer the probes of the manifests, and what ends them is not a database."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.kubernetes import Cluster
from harness.pods import Pod, run_job, started_pod, write_secrets
from harness.postgres import PostgresServer
from harness.redis import RedisServer
from outrigger_telemetry.schema_revision import SCHEMA_REVISION

pytestmark = pytest.mark.end_to_end

DEADLINE_SECONDS = 30.0
READY = {
    ("outrigger-server", "server", "readiness"),
    ("outrigger-worker", "worker", "readiness"),
}

Found = dict[tuple[str, str, str], bool]


@pytest.fixture
def pods(
    clusters: dict[str, Cluster],
    tmp_path: Path,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
) -> Iterator[list[Pod]]:
    """One of each, on the manifests of the development."""
    cluster = clusters["dev"]
    folders = {name: tmp_path / name for name in ("migrate", "server", "worker")}
    with postgres_server.fresh_database() as uri, ExitStack() as stack:
        for folder in folders.values():
            folder.mkdir()
            secrets = {"postgres-uri": uri, "redis-uri": redis_server.url}
            write_secrets(folder, databases=secrets)
        said = run_job(cluster, "outrigger-migrate", folders["migrate"])
        assert said == f"The schema is at {SCHEMA_REVISION}.\n"
        yield [
            stack.enter_context(started_pod(cluster, f"outrigger-{name}", folders[name]))
            for name in ("server", "worker")
        ]


async def until_ready(pods: list[Pod], *, ready: bool) -> Found:
    """Return what all probes find once those of readiness find this."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        found: Found = {}
        for pod in pods:
            found |= await asyncio.to_thread(pod.answers)
        if {passes for probe, passes in found.items() if probe in READY} == {ready}:
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)


async def test_without_its_database_a_pod_is_not_ready_and_nothing_is_killed(
    pods: list[Pod], postgres_server: PostgresServer
) -> None:
    found = await until_ready(pods, ready=True)
    assert len(found) == 8
    assert all(found.values())
    postgres_server.stop()
    try:
        found = await until_ready(pods, ready=False)
        assert {probe for probe, passes in found.items() if not passes} == READY
    finally:
        postgres_server.start()
    assert all((await until_ready(pods, ready=True)).values())
