"""The servers whose capacity is measured: they serve the probe graphs, each with as many slots."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.engine.databases import Databases
from benchmarks.engine.names import EMBEDDED, OFFICIAL, POSTGRES
from harness.official import started_official
from harness.processes import PROBES, started_server

SLOTS = 100  # so many runs at once, so that the server is the limit and not this


@dataclass(frozen=True, slots=True)
class Measured:
    """A server to measure; `start` is given an empty folder and yields a URL.

    `profile` is what the checker may expect of it.
    """

    name: str
    profile: str
    start: Callable[[Path], AbstractContextManager[str]]


def ours(databases: Databases) -> Measured:
    """Return Outrigger as one process with PostgreSQL and Redis."""
    return Measured(POSTGRES, "outrigger", partial(_postgres, databases))


def everybody(databases: Databases, official: Path) -> list[Measured]:
    """Return all of them; `official` is the virtual environment of the official server."""
    return [
        Measured(EMBEDDED, "outrigger", _embedded),
        ours(databases),
        Measured(OFFICIAL, "official", partial(_official, official)),
    ]


@contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    with started_server(folder / "data", environment=_slots()) as server:
        yield server.url


@contextmanager
def _postgres(databases: Databases, folder: Path) -> Iterator[str]:
    with databases.running() as uri:
        variables = {
            "POSTGRES_URI": uri,
            "REDIS_URI": databases.redis.url,
            "OUTRIGGER_MIGRATE_ON_START": "true",
            **_slots(),
        }
        with started_server(folder / "data", environment=variables) as server:
            yield server.url


@contextmanager
def _official(venv: Path, folder: Path) -> Iterator[str]:
    project = folder / "probe"
    shutil.copytree(PROBES.parent, project, ignore=shutil.ignore_patterns("__pycache__"))
    with started_official(project, venv, jobs=SLOTS) as server:
        yield server.url


def _slots() -> dict[str, str]:
    return {"OUTRIGGER_WORKER_SLOTS": str(SLOTS)}
