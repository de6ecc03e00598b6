"""The test graphs served on SQLite alone, and on PostgreSQL with Redis, by one process."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.processes import TEST_GRAPHS, Server, started_server

DATABASES = ("sqlite", "postgres")


@contextmanager
def served_on(request: pytest.FixtureRequest, folder: Path, **keys: Any) -> Iterator[Server]:
    """A server on the database that the fixture's parameter names; `keys` go to langgraph.json."""
    environment = {}
    if request.param == "postgres":
        redis = request.getfixturevalue("redis_server")
        redis.start()
        environment["REDIS_URI"] = redis.url
        postgres = request.getfixturevalue("postgres_server")
        with postgres.fresh_database() as uri:
            environment |= {"POSTGRES_URI": uri, "OUTRIGGER_MIGRATE_ON_START": "true"}
            with served(folder, environment, **keys) as server:
                yield server
    else:
        with served(folder, environment, **keys) as server:
            yield server


@contextmanager
def served(
    folder: Path, environment: Mapping[str, str] | None = None, **keys: Any
) -> Iterator[Server]:
    """A server of the test graphs; `keys` go to langgraph.json."""
    content = json.loads(TEST_GRAPHS.read_text())
    graphs = {name: _absolute(place) for name, place in content["graphs"].items()}
    config = folder / "langgraph.json"
    config.write_text(json.dumps({"graphs": graphs, **keys}))
    with started_server(folder / "data", config=config, environment=environment) as server:
        yield server


def _absolute(place: str) -> str:
    file, _, attribute = place.rpartition(":")
    return f"{(TEST_GRAPHS.parent / file).resolve()}:{attribute}"
