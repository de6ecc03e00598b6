"""Our server as one process on SQLite, started for a test where PostgreSQL or Redis is missing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from outrigger_loadtests.errors import TargetNotStarted
from outrigger_loadtests.faults.cluster import OUTRIGGER, Program, stopped_at_the_end
from outrigger_loadtests.faults.nemesis import Fault, kills, slows
from outrigger_loadtests.faults.network import Network, network_to
from outrigger_loadtests.faults.programs import free_port, wait_until_answers


@dataclass(frozen=True)
class Answering:
    """A process that works when it answers at `url`."""

    program: Program
    url: str

    def start(self) -> None:
        """Start it again."""
        self.program.start()

    def kill(self) -> None:
        """End it as a crash would."""
        self.program.kill()

    def wait_until_ready(self) -> None:
        """Return when it answers."""
        wait_until_answers(f"{self.url}/ok", self.program.process, self.program.log)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.program.process.send_signal(number)


@dataclass(frozen=True)
class LoneTarget:
    """A server of one process, and the way to it."""

    server: Answering
    network: Network

    @property
    def url(self) -> str:
        """Its address."""
        return self.network.url

    def ways(self, name: str) -> list[Fault]:
        """Return the ways to do one kind of harm.

        Raises:
            TargetNotStarted: One process cannot be harmed so.
        """
        match name:
            case "kill_api" | "kill_worker":
                return [kills("kill server", self.server, patiently=True)]
            case "slow_network":
                return [slows("slow network", self.network)]
            case _:
                raise TargetNotStarted(
                    f"--faults {name}: it needs PostgreSQL and Redis, and they are not installed"
                )


@contextmanager
def lone_target(folder: Path, config: Path, environment: Mapping[str, str]) -> Iterator[LoneTarget]:
    """Start the server; stop it at the end.

    Raises:
        TargetNotStarted: It did not start, or did not stop in order.
    """
    port = free_port()
    command = [*OUTRIGGER, "serve", "--port", str(port), "--config", str(config)]
    command += ["--data-dir", str(folder / "data")]
    program = Program(command, dict(environment), folder / "server.log")
    with stopped_at_the_end([program]), network_to([port]) as network:
        server = Answering(program, f"http://127.0.0.1:{port}")
        server.wait_until_ready()
        yield LoneTarget(server, network)
