"""What is left of runs when the server is stopped.

A start is dear, so one server is stopped with several threads, and each test looks at one.
"""

import asyncio
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from langgraph_sdk import get_client

from harness.frames import Frame, arriving
from harness.history import chain, log_at_rest, marks, segments
from harness.processes import started_server
from harness.runs import start, status_or_gone, until_in_middle, until_status
from harness.scenes import Scene, attempts, on, place
from harness.slots import until_logged

pytestmark = pytest.mark.end_to_end

LONG_SECONDS = 60.0
PROMPTLY_SECONDS = 8.0


@dataclass
class Stopped(Scene):
    """How the server stopped."""

    frames: list[Frame] = field(default_factory=list)
    """What the reader of the long run got."""
    seconds: float = 0.0
    exit_code: int | None = None


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stopped]:
    """Stopped with runs of every length, and started again."""
    data_dir = tmp_path_factory.mktemp("stopped") / "data"
    environment = {
        "OUTRIGGER_SHUTDOWN_GRACE_SECONDS": "1.0",
        "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.2",
    }
    with started_server(data_dir, environment=environment) as server:
        scene = Stopped(server)
        asyncio.run(_before_and_while_stopping(scene))
        server.restart()
        yield scene


async def _before_and_while_stopping(scene: Stopped) -> None:
    async with get_client(url=scene.server.url, api_key=None) as client:
        await scene.put(client, "sync", "probe_sync", "T", LONG_SECONDS)
        await scene.put(client, "swallow", "probe_swallow", "T", LONG_SECONDS)
        await scene.put(client, "long", "probe_async", "T", 3.0)
        await scene.put(client, "short", "probe_async", "T", 0.5)
        path = f"/threads/{scene.threads['long']}/runs/{scene.runs['long'][0]}/stream"
        async with (
            httpx.AsyncClient(base_url=scene.server.url, timeout=60) as http,
            http.stream("GET", path, headers={"Last-Event-ID": "-1"}) as response,
        ):
            begun = time.monotonic()
            scene.server.signal(signal.SIGTERM)
            scene.frames = [frame async for frame in arriving(response)]
        scene.exit_code = await asyncio.to_thread(scene.server.process.wait, 30)
        scene.seconds = time.monotonic() - begun


def test_a_server_stops_promptly_though_sync_and_stubborn_nodes_do_not(stopped: Stopped) -> None:
    assert stopped.exit_code == 0
    assert stopped.seconds < PROMPTLY_SECONDS


async def test_a_stopping_server_hands_a_run_back_and_tells_its_reader(stopped: Stopped) -> None:
    assert stopped.frames[-1].name == "error"
    assert stopped.frames[-1].data["error"] == "ServerStopping"
    async with on(stopped, "long") as (client, thread_id, (run_id,)):
        await until_status(client, thread_id, run_id, "success")
        assert await log_at_rest(client, thread_id, run_id) == marks("T")
        assert segments(await chain(client, thread_id)) == [run_id]
        assert await attempts(client, thread_id, run_id) == [1, 2]


async def test_a_stopping_server_lets_a_run_end_within_the_grace(stopped: Stopped) -> None:
    async with on(stopped, "short") as (client, thread_id, (run_id,)):
        assert await status_or_gone(client, thread_id, run_id) == "success"
        assert await log_at_rest(client, thread_id, run_id) == marks("T")
        assert await attempts(client, thread_id, run_id) == [1]


@pytest.mark.parametrize("name", ["sync", "swallow"])
async def test_a_run_whose_node_did_not_stop_is_handed_back_too(
    stopped: Stopped, name: str
) -> None:
    async with on(stopped, name) as (client, thread_id, (run_id,)):
        await until_status(client, thread_id, run_id, "pending", "running")
        state = await client.threads.get_state(thread_id)
        assert state["values"]["log"] == marks("T", "input", "first")


async def test_a_node_that_blocks_its_loop_keeps_no_server_from_stopping(tmp_path: Path) -> None:
    environment = {
        "OUTRIGGER_SHUTDOWN_GRACE_SECONDS": "0.2",
        "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.2",
    }
    async with place(tmp_path / "data", environment) as here:
        run_id = await start(here.client, here.thread_id, "probe_blocking", "T", LONG_SECONDS)
        await until_in_middle(here.client, here.thread_id, run_id, saved=False)
        begun = time.monotonic()
        here.server.signal(signal.SIGTERM)
        assert await asyncio.to_thread(here.server.process.wait, 30) == 0
        assert time.monotonic() - begun < PROMPTLY_SECONDS


async def test_a_second_signal_makes_the_server_hurry(tmp_path: Path) -> None:
    environment = {"OUTRIGGER_SHUTDOWN_GRACE_SECONDS": "60"}
    async with place(tmp_path / "data", environment) as here:
        run_id = await start(here.client, here.thread_id, "probe_async", "T", LONG_SECONDS)
        await until_in_middle(here.client, here.thread_id, run_id)
        here.server.signal(signal.SIGTERM)
        await until_logged(here.server, "stopping")
        assert here.server.process.poll() is None
        begun = time.monotonic()
        here.server.signal(signal.SIGTERM)
        assert await asyncio.to_thread(here.server.process.wait, 30) == 0
        assert time.monotonic() - begun < PROMPTLY_SECONDS
