"""The two ways to serve a project: one process, or several on PostgreSQL and Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.cluster import started_cluster
from harness.postgres import PostgresServer
from harness.processes import started_server
from harness.redis import RedisServer


@contextmanager
def embedded(folder: Path, project: Path) -> Iterator[str]:
    """One process on SQLite."""
    with started_server(folder / "data", config=project / "langgraph.json") as server:
        yield server.url


@contextmanager
def scaled(
    folder: Path, project: Path, postgres: PostgresServer, redis: RedisServer
) -> Iterator[str]:
    """Two API processes, taking turns, and a worker."""
    with (
        postgres.fresh_database() as uri,
        started_cluster(
            folder,
            postgres_uri=uri,
            redis_uri=redis.url,
            workers=1,
            config=project / "langgraph.json",
        ) as cluster,
    ):
        yield cluster.url
