"""The two ways to run a server, for tests that hold on both: one process, or several."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.cluster import Cluster, started_cluster
from harness.processes import PROBES, Server, started_server

EMBEDDED = "embedded"
SCALED = "scaled"
BACKENDS = (EMBEDDED, SCALED)


@contextmanager
def started_backend(
    request: pytest.FixtureRequest,
    folder: Path,
    *,
    environment: Mapping[str, str],
    config: Path = PROBES,
) -> Iterator[Server | Cluster]:
    """One process with SQLite, or two API and two worker processes on PostgreSQL and Redis.

    Which one says the parameter of the fixture that asks.
    """
    if request.param == EMBEDDED:
        with started_server(folder / "data", environment=environment, config=config) as server:
            yield server
        return
    postgres = request.getfixturevalue("postgres_server")
    redis = request.getfixturevalue("redis_server")
    with (
        postgres.fresh_database() as uri,
        started_cluster(
            folder,
            postgres_uri=uri,
            redis_uri=redis.url,
            environment=environment,
            config=config,
        ) as cluster,
    ):
        yield cluster
