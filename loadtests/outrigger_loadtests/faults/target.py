"""Our server, started for a test with all that it needs, and the ways to harm it."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from outrigger_loadtests.errors import TargetNotStarted
from outrigger_loadtests.faults.cluster import Cluster, cluster_of
from outrigger_loadtests.faults.lone import lone_target
from outrigger_loadtests.faults.nemesis import Fault, kills, pauses, restarts, slows, terminates
from outrigger_loadtests.faults.postgres import Postgres
from outrigger_loadtests.faults.programs import found_program
from outrigger_loadtests.faults.redis import Redis

FAULTS = (
    "kill_worker",
    "kill_api",
    "pause_worker",
    "terminate_worker",
    "restart_redis",
    "restart_postgres",
    "slow_network",
)
LEASE_SECONDS = 2.0
PAUSE_SECONDS = 2 * LEASE_SECONDS  # longer than a lease: another worker takes over meanwhile
AWAY_SECONDS = 1.0
PROGRAMS = ("redis-server", "initdb", "postgres", "pg_isready")
SETTINGS = {
    "OUTRIGGER_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    # So many that no run ends in `error`: with fewer, one that lost them all would have to.
    "OUTRIGGER_MAX_ATTEMPTS": "100",
    "OUTRIGGER_LOG_FORMAT": "json",
}


class Target(Protocol):
    """A started server that can be harmed."""

    @property
    def url(self) -> str:
        """Its one address."""
        ...

    def ways(self, name: str) -> list[Fault]:
        """Return every way to do one kind of harm."""
        ...


@dataclass(frozen=True)
class ScaledTarget:
    """API processes and workers with their PostgreSQL and their Redis."""

    cluster: Cluster
    postgres: Postgres
    redis: Redis

    @property
    def url(self) -> str:
        """The one address that leads to all of its API processes."""
        return self.cluster.url

    def ways(self, name: str) -> list[Fault]:
        """Return every way to do one kind of harm: to each process of that kind."""
        told = name.replace("_", " ")
        workers, apis = self.cluster.workers, self.cluster.apis
        match name:
            case "kill_worker":
                return [kills(told, each, patiently=True) for each in workers]
            case "kill_api":
                return [kills(told, each, patiently=True) for each in apis]
            case "pause_worker":
                return [pauses(told, each, PAUSE_SECONDS) for each in workers]
            case "terminate_worker":
                return [terminates(told, each, each.stop) for each in workers]
            case "restart_redis":
                ways = (False, True)
                return [restarts(told, self.redis, AWAY_SECONDS, crash=each) for each in ways]
            case "restart_postgres":
                ways = (False, True)
                return [restarts(told, self.postgres, AWAY_SECONDS, crash=each) for each in ways]
            case "slow_network":
                return [slows(told, self.cluster.network)]
            case _:
                raise TargetNotStarted(f"{name!r} is no fault; it is one of {', '.join(FAULTS)}")


def faults_of(target: Target, names: Sequence[str]) -> list[Fault]:
    """Return the faults of these names, to be injected in turn: one of each, then the next.

    Raises:
        TargetNotStarted: The target cannot be harmed so.
    """
    ways = [target.ways(name) for name in names]
    rounds = max((len(each) for each in ways), default=0)
    return [each[turn % len(each)] for turn in range(rounds) for each in ways]


@contextmanager
def started_target(
    config: Path, environment: Mapping[str, str], *, scaled: bool | None = None
) -> Iterator[Target]:
    """Start our server from a `langgraph.json`, as several processes or as one.

    `scaled`: with a PostgreSQL and a Redis of its own; where nothing is said, if they are
    installed. `environment` is what its processes get besides; its settings win over ours. All its
    data are gone after the block.

    Raises:
        TargetNotStarted: A program is missing, did not start, or did not stop in order.
    """
    if scaled is None:
        scaled = all(found_program(each) for each in PROGRAMS)
    variables = {**SETTINGS, **environment}
    for name in ("POSTGRES_URI", "DATABASE_URI", "REDIS_URI"):
        variables.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="outrigger-target-") as name:
        start = _scaled if scaled else lone_target
        with start(Path(name), config, variables) as target:
            yield target


@contextmanager
def _scaled(folder: Path, config: Path, environment: Mapping[str, str]) -> Iterator[Target]:
    folder.chmod(0o755)  # PostgreSQL runs as another user than root
    for part in ("postgres", "redis"):
        (folder / part).mkdir()
    postgres, redis = Postgres(folder / "postgres"), Redis(folder / "redis")
    with ExitStack() as stack:
        stack.callback(postgres.kill)
        stack.callback(redis.kill)
        postgres.start()
        redis.start()
        own = {"POSTGRES_URI": postgres.url, "REDIS_URI": redis.url}
        cluster = stack.enter_context(cluster_of(folder, config, {**environment, **own}))
        yield ScaledTarget(cluster, postgres, redis)
