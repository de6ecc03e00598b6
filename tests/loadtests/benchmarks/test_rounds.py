"""One small round of the real thing: our server, the null server and the limits, one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Never

import psutil
import pytest

from benchmarks.engine.contenders import Contender, contenders
from benchmarks.engine.databases import Databases
from benchmarks.engine.names import EMBEDDED, LIMITS, NULL
from benchmarks.engine.plan import Plan, Repeats, Window
from benchmarks.engine.rounds import run_rounds
from harness.postgres import PostgresServer
from harness.redis import RedisServer

pytestmark = pytest.mark.end_to_end

TINY = Window(0.0, 0.0, 10.0, least_runs=3, least_runs_each=1)
PLAN = Plan(
    rounds=1,
    clients=(2,),
    limit_clients=2,
    warm_up=TINY,
    window=TINY,
    null_window=TINY,
    frames=Repeats(2, 10.0),
    cuts=Repeats(2, 10.0),
)
BROKEN = "broken"


@contextmanager
def stopped(postgres: PostgresServer, redis: RedisServer) -> Iterator[Databases]:
    """The shared servers, stopped as a benchmark finds them, and running again at the end."""
    postgres.stop()
    redis.stop()
    try:
        yield Databases(postgres, redis)
    finally:
        postgres.start()
        redis.start()


def processes() -> set[int]:
    """The processes that this one has started and that still run."""
    return {each.pid for each in psutil.Process().children(recursive=True)}


def refuse(_folder: Path) -> Never:
    """Start as a server with a fault does."""
    raise AssertionError("ended with 1")


@pytest.fixture(scope="module")
def visits(postgres_server: PostgresServer, redis_server: RedisServer) -> dict[str, Any]:
    """What a round without the official server measures."""
    with stopped(postgres_server, redis_server) as databases:
        before = processes()
        every = contenders(databases, Path("no official server"))
        ours = next(each for each in every if each.name == EMBEDDED)
        (found,) = run_rounds(PLAN, [ours, Contender(BROKEN, refuse)], databases, Random(1))
        assert processes() <= before, "what was started ends with its turn"
    assert sorted(found["order"]) == sorted([EMBEDDED, BROKEN, *LIMITS, NULL])
    measured: dict[str, Any] = found["visits"]
    return measured


def test_our_server_fails_no_request(visits: dict[str, Any]) -> None:
    visit = visits[EMBEDDED]
    cases = [visit["warm_up"], visit["first_frames"], visit["cuts"], visit["throughput"]["2"]]
    assert [case["reasons"] for case in cases] == [{}] * len(cases)
    assert visit["throughput"]["2"]["runs"] >= 3


def test_every_time_is_taken(visits: dict[str, Any]) -> None:
    frames, cuts = visits[EMBEDDED]["first_frames"], visits[EMBEDDED]["cuts"]
    assert (frames["times"], cuts["times"]) == (2, 2)
    assert 0 < frames["first_frame"]["p50_ms"] <= frames["first_values"]["p50_ms"]
    assert 0 < cuts["first_frame"]["p50_ms"] <= cuts["first_values"]["p50_ms"]
    assert cuts["interrupted"]["p50_ms"] > 0


def test_the_cpu_of_every_part_is_taken(visits: dict[str, Any]) -> None:
    assert set(visits[EMBEDDED]["throughput"]["2"]["cpu"]) == {"server", "client", "others"}


@pytest.mark.parametrize("name", [*LIMITS, NULL])
def test_what_ours_are_held_against_runs_too(visits: dict[str, Any], name: str) -> None:
    (case,) = visits[name]["throughput"].values()
    assert case["runs"] >= 3
    assert case["failed"] == 0


def test_a_contender_that_breaks_down_is_told_and_the_round_goes_on(visits: dict[str, Any]) -> None:
    assert visits[BROKEN]["error"] == "AssertionError: ended with 1"
