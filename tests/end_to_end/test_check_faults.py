"""The checker, strict, while workers are killed and stopped and Redis and PostgreSQL restart."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from harness.cluster import Cluster, started_cluster
from harness.postgres import PostgresServer, started_postgres
from harness.processes import clean_environment
from harness.redis import RedisServer, started_redis
from outrigger_loadtests.faults.nemesis import Fault, Nemesis, kills, pauses, restarts
from outrigger_loadtests.faults.programs import wait_until

pytestmark = pytest.mark.end_to_end

LEASE_SECONDS = 2.0
ENVIRONMENT = {"OUTRIGGER_LEASE_SECONDS": str(LEASE_SECONDS), "OUTRIGGER_MAX_ATTEMPTS": "100"}
"""Attempts enough that no run ever ends in `error`."""

RARELY_SECONDS = 20.0
"""Between two faults so long that a server must have recovered from the first."""

SHORT_SECONDS = 20
LONG_SECONDS = 120
LAST_SECONDS = 7.0
"""At the end of the sending no fault begins: all are over, and in the log, when the check ends."""

REST_SECONDS = 240.0
THREADS = 6
PROBES = ("async", "sync", "cleanup", "swallow", "blocking")


@dataclass
class Scene:
    """The programs that a round does harm to."""

    cluster: Cluster
    postgres: PostgresServer
    redis: RedisServer
    uri: str

    def faults(self, name: str, *, patiently: bool) -> tuple[list[Fault], float]:
        """The faults of a name, to be injected in turn, and the pause before each.

        `patiently` no process is killed before the one that was killed last works again.
        """
        workers = self.cluster.workers
        match name:
            case "kill worker":
                return [kills(name, each, patiently=patiently) for each in workers], 2.0
            case "kill api":
                return [kills(name, each, patiently=True) for each in self.cluster.apis], 2.0
            case "pause worker":
                return [pauses(name, each, 2 * LEASE_SECONDS) for each in workers], 1.5
            case "restart redis":
                ways = (False, True)
                return [restarts(name, self.redis, 1.0, crash=each) for each in ways], 3.0
            case "restart postgres":
                ways = (False, True)
                return [restarts(name, self.postgres, 0.5, crash=each) for each in ways], 4.0
        raise AssertionError(name)


NAMES = ("kill worker", "pause worker", "restart redis", "restart postgres")
ALL_NAMES = (*NAMES, "kill api")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Servers of these tests' own: nobody else's are restarted."""
    folder = tmp_path_factory.mktemp("faults")
    with (
        started_postgres() as postgres,
        started_redis() as redis,
        postgres.fresh_database() as uri,
        started_cluster(
            folder, postgres_uri=uri, redis_uri=redis.url, environment=ENVIRONMENT
        ) as cluster,
    ):
        yield Scene(cluster, postgres, redis, uri)


@dataclass(frozen=True)
class Round:
    """What a check under faults left behind."""

    output: str
    code: int
    folder: Path
    injected: int

    @property
    def verdict(self) -> str:
        return str(json.loads((self.folder / "verdict.json").read_bytes())["verdict"])

    @property
    def faults(self) -> Counter[str]:
        """How often each fault stands in the history."""
        lines = (self.folder / "history.jsonl").read_bytes().splitlines()
        told = (json.loads(line) for line in lines if b'"kind":"faulted"' in line)
        return Counter(each["name"] for each in told)


def play(
    scene: Scene, folder: Path, name: str, seconds: int, probe: str, *, rarely: bool = False
) -> Round:
    """Check the cluster while faults of this name are injected, until the sending ends."""
    faults, pause = scene.faults(name, patiently=seconds < LONG_SECONDS or rarely)
    pause = RARELY_SECONDS if rarely else pause
    log, output = folder / "faults.jsonl", folder / "verdict"
    nemesis = Nemesis(faults, pause=pause, log=log)
    command = [sys.executable, "-m", "outrigger_loadtests.cli", "check", "--probe", probe]
    command += ["--host", scene.cluster.url, "--duration", str(seconds), "--output", str(output)]
    command += ["--threads", str(THREADS), "--faults-log", str(log)]
    said = folder / "said.txt"
    history = output / "history.jsonl"
    with said.open("wb") as file:
        process = subprocess.Popen(command, env=clean_environment(), stdout=file, stderr=file)
    try:
        wait_until(lambda: history.exists() and history.stat().st_size > 0, process, said)
        with nemesis.at_work(), suppress(subprocess.TimeoutExpired):
            process.wait(seconds - LAST_SECONDS)
        code = process.wait(REST_SECONDS)
    finally:
        process.kill()
        process.wait()
    return Round(said.read_text(), code, output, nemesis.injected)


def must_have_kept_every_promise(scene: Scene, this: Round, name: str, least: int) -> None:
    """PASS although it was harmed, and nothing is left in flight."""
    assert (this.code, this.verdict) == (0, "PASS"), f"{this.folder}\n{this.output}"
    for program in (*scene.cluster.apis, *scene.cluster.workers):
        assert program.process.poll() is None, program.log.read_text()[-3000:]
    assert this.injected >= least
    assert this.faults == {name: this.injected}
    with psycopg.connect(scene.uri) as connection:
        rows = connection.execute(IN_FLIGHT).fetchall()
        assert rows == [], rows
        assert connection.execute(WAITING).fetchall() == []
        assert connection.execute(FAILED).fetchall() == []


IN_FLIGHT = "SELECT run_id, status FROM runs WHERE status IN ('pending', 'running')"
WAITING = "SELECT thread_id FROM threads WHERE head_at IS NOT NULL OR hold_token IS NOT NULL"
FAILED = "SELECT run_id FROM runs WHERE status NOT IN ('success', 'interrupted')"
STARTED_AGAIN = "SELECT count(*) FROM runs WHERE attempt > 1"


def started_again(scene: Scene) -> int:
    """How many runs needed more than one attempt."""
    with psycopg.connect(scene.uri) as connection:
        row = connection.execute(STARTED_AGAIN).fetchone()
    return row[0] if row is not None else 0


@pytest.mark.parametrize("name", NAMES)
def test_every_promise_is_kept_under(scene: Scene, tmp_path: Path, name: str) -> None:
    before = started_again(scene)
    this = play(scene, tmp_path, name, SHORT_SECONDS, "async")
    must_have_kept_every_promise(scene, this, name, least=2)
    if "worker" in name:
        assert started_again(scene) > before


@pytest.mark.long
@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("name", ALL_NAMES)
def test_every_promise_is_kept_for_long_under(
    scene: Scene, tmp_path: Path, name: str, probe: str
) -> None:
    before = started_again(scene)
    this = play(scene, tmp_path, name, LONG_SECONDS, probe)
    must_have_kept_every_promise(scene, this, name, least=LONG_SECONDS // 12)
    if "worker" in name:
        assert started_again(scene) > before


@pytest.mark.long
@pytest.mark.parametrize("name", ALL_NAMES)
def test_the_bounds_hold_again_soon_after(scene: Scene, tmp_path: Path, name: str) -> None:
    """Faults are so rare that between them time counts as ever."""
    this = play(scene, tmp_path, name, LONG_SECONDS, "async", rarely=True)
    must_have_kept_every_promise(scene, this, name, least=3)
