"""PostgreSQL and Redis for the servers that need them, running only while one of those does."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.engine.cpu import Parts
from harness.postgres import PostgresServer
from harness.redis import RedisServer


class Databases:
    """PostgreSQL and Redis, which run only while something that needs them does."""

    def __init__(self, postgres: PostgresServer, redis: RedisServer) -> None:
        self.postgres = postgres
        self.redis = redis

    @contextmanager
    def running(self) -> Iterator[str]:
        """The address of a new PostgreSQL database; both servers run until the block ends."""
        self.postgres.start()
        self.redis.start()
        try:
            with self.postgres.fresh_database() as uri:
                yield uri
        finally:
            self.redis.stop()
            self.postgres.stop()

    @property
    def parts(self) -> Parts:
        """Their processes, while they run."""
        return {"postgres": [self.postgres.pid], "redis": [self.redis.pid]}


@contextmanager
def databases() -> Iterator[Databases]:
    """PostgreSQL and Redis that do not run yet, with folders that go after the block."""
    with tempfile.TemporaryDirectory(prefix="outrigger-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own user must get through
        for each in ("postgres", "redis"):
            (folder / each).mkdir()
        # With fsync, as SQLite syncs too.
        postgres = PostgresServer(folder / "postgres", fsync=True)
        redis = RedisServer(folder / "redis")
        try:
            yield Databases(postgres, redis)
        finally:
            redis.kill()
            postgres.kill()
