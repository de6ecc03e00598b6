"""The closed loop counts what ends in its window, and every failure."""

import asyncio
from itertools import count

from benchmarks.engine.closed_loop import closed_loop
from benchmarks.engine.plan import Window

TEN_RUNS = Window(0.0, 0.0, 30.0, least_runs=10, least_runs_each=1)


async def succeed() -> str:
    await asyncio.sleep(0)
    return ""


async def test_the_window_opens_when_every_client_ran_and_closes_with_enough_runs() -> None:
    moments: list[str] = []
    started = count()

    async def one_run() -> str:
        moments.append(f"run {next(started)}")
        return await succeed()

    found = await closed_loop([one_run] * 3, TEN_RUNS, moments.append)
    assert found["runs"] == 10
    assert found["runs_per_second"] == 10 / found["seconds"]
    assert found["failed"] == 0
    assert moments.index("open") >= 3
    assert moments[-1] == "closed" or moments.index("closed") >= 13


async def test_failures_are_counted_with_their_reasons_and_are_no_runs() -> None:
    reasons = iter(["status 500", "", "status 500", "wrong values"])

    async def fails_at_first() -> str:
        return next(reasons, "") or await succeed()

    found = await closed_loop([fails_at_first], TEN_RUNS, lambda _moment: None)
    assert found["failed"] == 3
    assert found["reasons"] == {"status 500": 2, "wrong values": 1}
    assert found["runs"] == 10


async def test_a_loop_in_which_nothing_succeeds_ends_and_has_no_latencies() -> None:
    window = Window(0.0, 0.0, 0.05, least_runs=1, least_runs_each=1)

    async def fail() -> str:
        return "refused"

    found = await closed_loop([fail], window, lambda _moment: None)
    assert found["runs"] == 0
    assert found["failed"] > 0
    assert "p50_ms" not in found
