"""A Redis of one's own: on a free port, keeping nothing."""

import signal
import socket
import subprocess
from pathlib import Path

from outrigger_loadtests.errors import TargetNotStarted
from outrigger_loadtests.faults.programs import end, free_port, program, wait_until


class Redis:
    """A `redis-server`. What it held is gone after a stop."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._log = folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The number of its process; it must run."""
        return self._started.pid

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise TargetNotStarted("Redis does not run")
        return self._process

    def start(self) -> None:
        """Listen on the same port as ever; does nothing when it runs."""
        if self._process is not None:
            return
        command = [program("redis-server"), "--bind", "127.0.0.1", "--port", str(self.port)]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, self._process, self._log)

    def stop(self) -> None:
        """End it as an operator would; safe to call twice."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would; safe to call twice."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it answer nothing while its connections stay open."""
        self._started.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        self._started.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, number)
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
