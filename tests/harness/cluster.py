"""Several real processes on one PostgreSQL and one Redis, behind one address."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from harness.processes import PROBES, clean_environment, free_port, wait_until_answers
from harness.programs import wait_until

STOP_SECONDS = 30.0
READY = b'"event":"ready"'


@dataclass
class Program:
    """One `outrigger` process that can be killed, stopped, continued and started again."""

    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)
    _said_before: int = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._said_before = output.tell()
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=output, stderr=output
            )

    def wait_until_ready(self) -> None:
        """Return when it has said, since it was started, that it works."""
        wait_until(self._says_so, self.process, self.log)

    def _says_so(self) -> bool:
        return READY in self.log.read_bytes()[self._said_before :]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """End it as an operator would."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@dataclass
class Cluster:
    """API processes and workers; `url` leads to one API after the other, `api_urls` to each."""

    url: str
    api_urls: list[str]
    apis: list[Program]
    workers: list[Program]


@contextmanager
def started_cluster(
    folder: Path,
    *,
    postgres_uri: str,
    redis_uri: str,
    apis: int = 2,
    workers: int = 2,
    config: Path = PROBES,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """Migrate the database and start the processes; stop them at the end."""
    given = {"POSTGRES_URI": postgres_uri, "REDIS_URI": redis_uri, **(environment or {})}
    variables = clean_environment(**given)
    outrigger = [sys.executable, "-m", "outrigger_server"]
    subprocess.run([*outrigger, "migrate"], env=variables, check=True, capture_output=True)
    with ExitStack() as stack:
        ports = [free_port() for _ in range(apis)]
        started: list[Program] = []
        for number, port in enumerate(ports):
            words = ["serve", "--no-worker", "--port", str(port)]
            started.append(
                _program(folder, f"api-{number}", [*outrigger, *words], config, variables)
            )
        begun = [
            _program(folder, f"worker-{number}", [*outrigger, "worker"], config, variables)
            for number in range(workers)
        ]
        for program in (*started, *begun):
            stack.callback(_end, program)
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        for program, url in zip(started, urls, strict=True):
            wait_until_answers(f"{url}/ok", program.process, program.log)
        for program in begun:
            program.wait_until_ready()
        yield Cluster(stack.enter_context(balanced(ports)), urls, started, begun)


def _program(
    folder: Path, name: str, command: list[str], config: Path, environment: dict[str, str]
) -> Program:
    words = ["--config", str(config), "--data-dir", str(folder / name)]
    return Program([*command, *words], environment, folder / f"{name}.log")


def _end(program: Program) -> None:
    with suppress(ProcessLookupError):
        os.kill(program.process.pid, signal.SIGCONT)  # one that is stopped cannot stop
    if program.process.poll() is None:
        assert program.stop() == 0, program.log.read_text()[-3000:]


@contextmanager
def balanced(ports: Sequence[int]) -> Iterator[str]:
    """Lead every new connection to the next port; a port that refuses is passed over."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    turns = cycle(ports)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = _next_upstream(turns, len(ports))
            if upstream is None:
                client.close()
                continue
            for source, sink in ((client, upstream), (upstream, client)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def _next_upstream(turns: Iterator[int], count: int) -> socket.socket | None:
    for _ in range(count):
        with suppress(OSError):
            return socket.create_connection(("127.0.0.1", next(turns)), timeout=5)
    return None


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        source.settimeout(None)
        while piece := source.recv(65536):
            sink.sendall(piece)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
