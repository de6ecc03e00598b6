"""Processes that stand for containers: started, stopped and asked as compose would."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from outrigger_loadtests.faults.programs import wait_until

STOP_SECONDS = 45.0


@dataclass
class Container:
    """One process. `healthy` says whether it works."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    healthy: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    said_before: int = field(default=0, init=False)
    """How long its log was when it was started the last time."""

    @property
    def log(self) -> Path:
        """What it and those before it have said."""
        return self.folder / f"{self.name}.log"

    @property
    def said(self) -> bytes:
        """What it has said since it was started."""
        return self.log.read_bytes()[self.said_before :]

    def start(self) -> None:
        """Start it; returns without waiting until it works."""
        with self.log.open("ab") as output:
            self.said_before = output.tell()
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=output, stderr=output
            )

    def wait_until_healthy(self) -> None:
        """Return when it works.

        Raises:
            TargetNotStarted: It ended, or takes too long.
        """
        assert self.process is not None
        wait_until(self.healthy, self.process, self.log)

    def stop(self) -> int:
        """End it as an engine would; return its exit code."""
        assert self.process is not None
        self.process.send_signal(self.stop_signal)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
            raise

    def restart(self) -> None:
        """Stop it, which must go in order, start it, and wait until it works."""
        code = self.stop()
        assert code == 0, f"{self.name} stopped with {code}: {self.log.read_text()[-2000:]}"
        self.start()
        self.wait_until_healthy()


@contextmanager
def stopped_at_the_end(containers: list[Container]) -> Iterator[None]:
    """End all that were started with the block, the last first."""
    try:
        yield
    finally:
        alive = [each for each in reversed(containers) if each.process is not None]
        alive = [each for each in alive if each.process and each.process.poll() is None]
        for each in alive:
            if each.process is not None:
                each.process.send_signal(each.stop_signal)
        for each in alive:
            if each.process is not None:
                try:
                    each.process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    each.process.kill()
                    each.process.wait(STOP_SECONDS)
