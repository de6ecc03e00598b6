"""Several processes of our server on one PostgreSQL and one Redis, behind one address."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from outrigger_loadtests.errors import TargetNotStarted
from outrigger_loadtests.faults.network import Network, network_to
from outrigger_loadtests.faults.programs import free_port, wait_until, wait_until_answers

STOP_SECONDS = 30.0
READY = b'"event":"ready"'
OUTRIGGER = (sys.executable, "-m", "outrigger_server")


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
        """Start it; returns without waiting until it works."""
        with self.log.open("ab") as output:
            self._said_before = output.tell()
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=output, stderr=output
            )

    def wait_until_ready(self) -> None:
        """Return when it has said, since it was started, that it works."""
        wait_until(self._says_so, self.process, self.log)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """End it as an operator would, and return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def _says_so(self) -> bool:
        return READY in self.log.read_bytes()[self._said_before :]


@dataclass
class Cluster:
    """API processes and workers; `url` leads to one API after the other, `api_urls` to each."""

    url: str
    api_urls: list[str]
    apis: list[Program]
    workers: list[Program]
    network: Network


@contextmanager
def cluster_of(
    folder: Path, config: Path, environment: Mapping[str, str], *, apis: int = 2, workers: int = 2
) -> Iterator[Cluster]:
    """Migrate the database and start the processes; stop them at the end.

    `environment` is all that they get; it names PostgreSQL and Redis, and asks for logs in JSON.

    Raises:
        TargetNotStarted: One did not start, or did not stop in order.
    """
    variables = dict(environment)
    _migrate(variables)
    with ExitStack() as stack:
        ports = [free_port() for _ in range(apis)]
        served = [["serve", "--no-worker", "--port", str(port)] for port in ports]
        started = [
            _program(folder, f"api-{number}", words, config, variables)
            for number, words in enumerate(served)
        ]
        begun = [
            _program(folder, f"worker-{number}", ["worker"], config, variables)
            for number in range(workers)
        ]
        stack.enter_context(stopped_at_the_end([*started, *begun]))
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        for program, url in zip(started, urls, strict=True):
            wait_until_answers(f"{url}/ok", program.process, program.log)
        for program in begun:
            program.wait_until_ready()
        network = stack.enter_context(network_to(ports))
        yield Cluster(network.url, urls, started, begun, network)


def _migrate(variables: dict[str, str]) -> None:
    command = [*OUTRIGGER, "migrate"]
    done = subprocess.run(command, env=variables, check=False, capture_output=True, text=True)
    if done.returncode:
        raise TargetNotStarted(f"the database was not migrated:\n{done.stdout}{done.stderr}")


def _program(
    folder: Path, name: str, words: list[str], config: Path, environment: dict[str, str]
) -> Program:
    rest = ["--config", str(config), "--data-dir", str(folder / name)]
    return Program([*OUTRIGGER, *words, *rest], environment, folder / f"{name}.log")


@contextmanager
def stopped_at_the_end(programs: Sequence[Program]) -> Iterator[None]:
    """Stop all of them with the block, whatever happened in it.

    Raises:
        TargetNotStarted: One did not stop in order.
    """
    try:
        yield
    finally:
        _end(programs)


def _end(programs: Sequence[Program]) -> None:
    """Tell all of them to stop, and wait for each."""
    alive = [each for each in programs if each.process.poll() is None]
    for program in alive:
        with suppress(ProcessLookupError):
            program.signal(signal.SIGCONT)  # one that is stopped cannot stop
            program.signal(signal.SIGTERM)
    failed = [program for program in alive if program.stop()]
    for program in failed:
        log = program.log.read_text(errors="replace")[-3000:]
        code = program.process.returncode
        raise TargetNotStarted(f"{' '.join(program.command)} stopped with {code}:\n{log}")
