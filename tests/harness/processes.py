"""Starts the real programs for a test and ends them with it, whatever happens."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.leaks import SECRETS
from outrigger_loadtests.faults.programs import free_port, wait_until_answers

ROOT = Path(__file__).parents[2]
PROBES = ROOT / "loadtests" / "probe" / "langgraph.json"
TASK_MAISTRO = ROOT / "server" / "langgraph.json"
TEST_GRAPHS = ROOT / "tests" / "end_to_end" / "graphs" / "langgraph.json"
SETTINGS = ("OUTRIGGER_", "LANGSMITH_", "POSTGRES_URI", "DATABASE_URI", "REDIS_URI")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without the settings of whoever runs the tests; secrets are noted."""
    SECRETS.note_all(more)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS)}
    return kept | {"OUTRIGGER_LOG_FORMAT": "json", "LANGSMITH_TRACING": "false"} | more


@dataclass
class Server:
    """A started `outrigger` process and where it listens."""

    process: subprocess.Popen[bytes]
    url: str
    sidecar_url: str
    data_dir: Path
    log: Path
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait_until_ready(self) -> None:
        """Return when `/ok` answers; fail with the log when the process ends instead."""
        wait_until_answers(f"{self.url}/ok", self.process, self.log)

    def kill(self) -> None:
        """End it as a crash would, and reap it."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """End it as an operator would and return the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def restart(self) -> None:
        """Start the same command again, at once, on the same data and ports."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=log, stderr=log
            )
        self.wait_until_ready()


@contextmanager
def started_server(
    data_dir: Path,
    *,
    config: Path = PROBES,
    sidecar: bool = False,
    environment: Mapping[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    own_group: bool = False,
) -> Iterator[Server]:
    """Run `outrigger serve`, or `outrigger up` with `sidecar`, until the block ends.

    With `own_group` it leads a process group, as a command started in a terminal does. A sidecar
    with TLS has to be given a plain port.
    A server the test left alive must stop cleanly: exit code 0.
    """
    port, sidecar_port = free_port(), free_port()
    verb = ["up", "--sidecar-port", str(sidecar_port)] if sidecar else ["serve"]
    command = [sys.executable, "-m", "outrigger_server", *verb]
    command += ["--config", str(config), "--port", str(port), "--data-dir", str(data_dir)]
    command += arguments
    variables = clean_environment(**(environment or {}))
    log = data_dir.parent / f"{data_dir.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=variables,
            stdout=output,
            stderr=output,
            process_group=0 if own_group else None,
        )
    server = Server(
        process,
        f"http://127.0.0.1:{port}",
        f"http://127.0.0.1:{variables.get('OUTRIGGER_SIDECAR_PLAIN_PORT', sidecar_port)}",
        data_dir,
        log,
        command,
        variables,
    )
    try:
        server.wait_until_ready()
        if sidecar:
            wait_until_answers(f"{server.sidecar_url}/livez", process, log)
        yield server
        if server.process.poll() is None:
            assert server.stop() == 0, log.read_text()
    finally:
        if server.process.poll() is None:
            server.kill()
