"""A Redis of the tests' own: on a free port, keeping nothing."""

import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from harness.processes import free_port
from harness.programs import end, program, wait_until


class RedisServer:
    """A `redis-server`. What it held is gone after a stop."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._log = folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Listen on the same port as ever; does nothing when it runs."""
        if self._process is not None:
            return
        command = [program("redis-server"), "--bind", "127.0.0.1", "--port", str(self.port)]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, self._process, self._log)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def clear(self) -> None:
        """Forget everything it holds."""
        self.say("FLUSHALL")

    def cut_connections(self) -> None:
        """Close the connections of every client."""
        for kind in ("normal", "pubsub"):
            self.say("CLIENT", "KILL", "TYPE", kind)

    def say(self, *command: str) -> Any:
        """Redis' answer to a command, on a connection of its own."""
        with Redis(host="127.0.0.1", port=self.port, protocol=2) as client:
            return client.execute_command(*command)

    def stop(self) -> None:
        """End it as an operator would; safe to call twice."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would; safe to call twice."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, number)
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing while its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


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
