"""The checker against two API and two worker processes on one PostgreSQL and one Redis, strict."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cluster import Cluster, started_cluster
from harness.postgres import PostgresServer
from harness.processes import clean_environment
from harness.redis import RedisServer

pytestmark = pytest.mark.end_to_end

SECONDS = 40
THREADS = 6


@pytest.fixture
def cluster(
    tmp_path: Path, postgres_server: PostgresServer, redis_server: RedisServer
) -> Iterator[Cluster]:
    with (
        postgres_server.fresh_database() as uri,
        started_cluster(tmp_path, postgres_uri=uri, redis_uri=redis_server.url) as cluster,
    ):
        yield cluster


def test_several_processes_keep_every_promise(cluster: Cluster, tmp_path: Path) -> None:
    output = tmp_path / "verdict"
    command = [sys.executable, "-m", "outrigger_loadtests.cli", "check", "--host", cluster.url]
    command += ["--duration", str(SECONDS), "--threads", str(THREADS), "--output", str(output)]
    done = subprocess.run(
        command, env=clean_environment(), capture_output=True, timeout=SECONDS + 240, check=False
    )
    assert done.returncode == 0, f"{done.stdout.decode()}{done.stderr.decode()}"
    assert json.loads((output / "verdict.json").read_bytes())["verdict"] == "PASS"


def test_a_run_that_another_process_accepted_is_worked_off(cluster: Cluster) -> None:
    """Both workers get work: what the first leaves, the second takes."""
    for worker in cluster.workers:
        assert worker.process.poll() is None
    first, second = cluster.workers
    first.kill()
    output = first.log.parent / "one"
    command = [sys.executable, "-m", "outrigger_loadtests.cli", "check", "--host", cluster.url]
    command += ["--duration", "3", "--threads", "2", "--probe", "async", "--output", str(output)]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, check=False)
    assert done.returncode == 0, f"{done.stdout.decode()}{done.stderr.decode()}"
    assert second.process.poll() is None
