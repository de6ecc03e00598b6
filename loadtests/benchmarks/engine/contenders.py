"""The servers that are compared, each with how it is started and stopped.

One is started when its turn comes and stopped after it; what it stored goes with it.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.engine.cpu import Parts
from benchmarks.engine.databases import Databases
from benchmarks.engine.names import EMBEDDED, OFFICIAL, ONE_WORKER, POSTGRES, TWO_WORKERS
from harness.cluster import started_cluster
from harness.official import started_official
from harness.processes import clean_environment, started_server

PROJECT = ("graph.py", "langgraph.json")
JOBS = 10


@dataclass(frozen=True, slots=True)
class Started:
    """A server that answers: its port, and the processes of its parts."""

    port: int
    parts: Parts


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to compare; `start` is given an empty folder."""

    name: str
    start: Callable[[Path], AbstractContextManager[Started]]


def copy_project(folder: Path) -> Path:
    """Copy the graph with its manifest into the folder; return the manifest's path."""
    for name in PROJECT:
        shutil.copy(Path(__file__).parent / name, folder)
    return folder / "langgraph.json"


def contenders(databases: Databases, official: Path) -> list[Contender]:
    """Return all of them; `official` is the virtual environment of the official server."""
    return [
        Contender(EMBEDDED, _embedded),
        Contender(POSTGRES, partial(_one_process, databases)),
        Contender(ONE_WORKER, partial(_scaled, databases, 1)),
        Contender(TWO_WORKERS, partial(_scaled, databases, 2)),
        Contender(OFFICIAL, partial(_official, official)),
    ]


@contextmanager
def _embedded(folder: Path) -> Iterator[Started]:
    with started_server(folder / "data", config=copy_project(folder)) as server:
        yield Started(_port(server.url), {"server": [server.pid]})


@contextmanager
def _one_process(databases: Databases, folder: Path) -> Iterator[Started]:
    with databases.running() as uri:
        variables = {
            "POSTGRES_URI": uri,
            "REDIS_URI": databases.redis.url,
            "OUTRIGGER_MIGRATE_ON_START": "true",
        }
        config = copy_project(folder)
        with started_server(folder / "data", config=config, environment=variables) as server:
            yield Started(_port(server.url), {"server": [server.pid], **databases.parts})


@contextmanager
def _scaled(databases: Databases, workers: int, folder: Path) -> Iterator[Started]:
    with (
        databases.running() as uri,
        started_cluster(
            folder,
            postgres_uri=uri,
            redis_uri=databases.redis.url,
            apis=1,
            workers=workers,
            config=copy_project(folder),
        ) as cluster,
    ):
        parts = {
            "server": [each.process.pid for each in cluster.apis],
            "workers": [each.process.pid for each in cluster.workers],
            **databases.parts,
        }
        # Past the balancer, which is a part of the tests and no server for a benchmark.
        yield Started(_port(cluster.api_urls[0]), parts)


@contextmanager
def _official(venv: Path, folder: Path) -> Iterator[Started]:
    copy_project(folder)
    with started_official(folder, venv, jobs=JOBS) as server:
        yield Started(_port(server.url), {"server": [server.pid]})


@contextmanager
def started_null() -> Iterator[Started]:
    """Run the server that does nothing."""
    command = [sys.executable, "-m", "benchmarks.engine.null_server"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=clean_environment()
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101  for the type checker
            yield Started(int(process.stdout.readline()), {"server": [process.pid]})
        finally:
            process.terminate()


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
