"""The Redis that tests start: the product's own, which also does as it is told."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Client

from outrigger_loadtests.faults.redis import Redis


class RedisServer(Redis):
    """A `redis-server`. What it held is gone after a stop."""

    def clear(self) -> None:
        """Forget everything it holds."""
        self.say("FLUSHALL")

    def cut_connections(self) -> None:
        """Close the connections of every client."""
        for kind in ("normal", "pubsub"):
            self.say("CLIENT", "KILL", "TYPE", kind)

    def say(self, *command: str) -> Any:
        """Redis' answer to a command, on a connection of its own."""
        with Client(host="127.0.0.1", port=self.port, protocol=2) as client:
            return client.execute_command(*command)


@contextmanager
def started_redis() -> Iterator[RedisServer]:
    """Run a Redis until the block ends."""
    with tempfile.TemporaryDirectory(prefix="outrigger-redis-") as folder:
        server = RedisServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The Redis that a test process shares; whoever stops it starts it again."""
    with started_redis() as server:
        yield server
