"""What is left of runs when the server is killed or put to sleep.

A start is dear, so one server is killed with several threads, and each test looks at one.
"""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from langgraph_sdk import get_client

from harness.history import assert_no_trace, chain, log_at_rest, marks, segments, tables_with
from harness.processes import started_server
from harness.runs import at_rest, start, status_or_gone, until_in_middle, until_status
from harness.scenes import Scene, attempts, on, place

pytestmark = pytest.mark.end_to_end

LONG_SECONDS = 60.0


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Killed in the middle of runs and cuts, and started again at once on the same port."""
    data_dir = tmp_path_factory.mktemp("killed") / "data"
    with started_server(data_dir, environment={"OUTRIGGER_CANCEL_GRACE_SECONDS": "60"}) as server:
        scene = Scene(server)
        asyncio.run(_before_the_kill(scene))
        server.kill()
        server.restart()
        yield scene


async def _before_the_kill(scene: Scene) -> None:
    async with get_client(url=scene.server.url, api_key=None) as client:
        for strategy in ("interrupt", "rollback"):
            await scene.put(client, strategy, "probe_swallow", "V", LONG_SECONDS)
            await scene.add(client, strategy, "N", strategy)
            thread_id, victim = scene.threads[strategy], scene.runs[strategy][0]
            assert await status_or_gone(client, thread_id, victim) == "running"
        await scene.put(client, "queue", "probe_sync", "r0", 1.0)
        for number in range(1, 8):
            await scene.add(client, "queue", f"r{number}")
        await scene.put(client, "middle", "probe_async", "T", 1.0)


async def test_a_run_that_was_killed_in_its_middle_goes_on_as_its_second_attempt(
    killed: Scene,
) -> None:
    async with on(killed, "middle") as (client, thread_id, (run_id,)):
        await until_status(client, thread_id, run_id, "success")
        assert await log_at_rest(client, thread_id, run_id) == marks("T")
        assert segments(await chain(client, thread_id)) == [run_id]
        assert await attempts(client, thread_id, run_id) == [1, 2]
        assert (await at_rest(client, thread_id))["status"] == "idle"


async def test_runs_that_were_queued_when_the_server_was_killed_run_in_order(
    killed: Scene,
) -> None:
    async with on(killed, "queue") as (client, thread_id, run_ids):
        await until_status(client, thread_id, run_ids[-1], "success")
        expected = [mark for number in range(8) for mark in marks(f"r{number}")]
        assert await log_at_rest(client, thread_id, run_ids[-1]) == expected
        assert segments(await chain(client, thread_id)) == run_ids


async def test_an_interrupt_that_was_under_way_when_the_server_was_killed_is_finished(
    killed: Scene,
) -> None:
    async with on(killed, "interrupt") as (client, thread_id, (victim, newcomer)):
        await until_status(client, thread_id, newcomer, "success")
        assert await status_or_gone(client, thread_id, victim) == "interrupted"
        expected = marks("V", "input", "first") + marks("N")
        assert await log_at_rest(client, thread_id, newcomer) == expected


async def test_a_rollback_that_was_under_way_when_the_server_was_killed_is_finished(
    killed: Scene,
) -> None:
    async with on(killed, "rollback") as (client, thread_id, (victim, newcomer)):
        await until_status(client, thread_id, newcomer, "success")
        assert await status_or_gone(client, thread_id, victim) == "gone"
        assert await log_at_rest(client, thread_id, newcomer) == marks("N")
        await assert_no_trace(client, thread_id, "V:", victim)
        assert tables_with(killed.server.data_dir, victim) == []


async def test_a_run_that_lost_its_last_worker_ends_in_error_and_the_next_one_runs(
    tmp_path: Path,
) -> None:
    async with place(tmp_path / "data", {"OUTRIGGER_MAX_ATTEMPTS": "1"}) as here:
        client, thread_id = here.client, here.thread_id
        run_id = await start(client, thread_id, "probe_async", "T", LONG_SECONDS)
        await until_in_middle(client, thread_id, run_id)
        here.server.kill()
        await asyncio.to_thread(here.server.restart)
        await until_status(client, thread_id, run_id, "error")
        text = "The worker was lost in each of 1 attempts."
        reason = {"error": "WorkerLost", "message": text}
        thread = await at_rest(client, thread_id)
        assert (thread["status"], thread["error"]) == ("error", reason)
        async with httpx.AsyncClient(base_url=here.server.url) as http:
            joined = await http.get(f"/threads/{thread_id}/runs/{run_id}/join")
        assert joined.json() == {"__error__": reason}
        following = await start(client, thread_id, "probe_async", "N", 0.0)
        await until_status(client, thread_id, following, "success")
        expected = marks("T", "input", "first") + marks("N")
        assert await log_at_rest(client, thread_id, following) == expected


async def test_a_server_that_slept_beyond_its_leases_finishes_its_run_once(tmp_path: Path) -> None:
    async with place(tmp_path / "data", {"OUTRIGGER_LEASE_SECONDS": "1"}) as here:
        run_id = await start(here.client, here.thread_id, "probe_async", "T", 0.5)
        queued = await start(here.client, here.thread_id, "probe_async", "N", 0.0)
        await until_in_middle(here.client, here.thread_id, run_id)
        here.server.signal(signal.SIGSTOP)
        await asyncio.sleep(1.5)  # the lease ends meanwhile
        here.server.signal(signal.SIGCONT)
        await until_status(here.client, here.thread_id, queued, "success")
        assert await status_or_gone(here.client, here.thread_id, run_id) == "success"
        assert await log_at_rest(here.client, here.thread_id, queued) == marks("T") + marks("N")
        assert segments(await chain(here.client, here.thread_id)) == [run_id, queued]
