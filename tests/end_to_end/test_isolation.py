"""Runs keep out of one another's way: blocking nodes, zombies and busy threads."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.frames import stream_of
from harness.history import log_at_rest, marks
from harness.processes import Server, started_server
from harness.runs import probe_input, start, status_or_gone, until_in_middle, until_status
from harness.slots import logged, slots, until_quiet

pytestmark = pytest.mark.end_to_end

BLOCKING_SECONDS = 2.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("isolation") / "data"
    environment = {
        "OUTRIGGER_WORKER_SLOTS": "4",
        "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.2",
        "OUTRIGGER_HEARTBEAT_SECONDS": "0.2",
    }
    with started_server(data_dir, environment=environment) as server:
        yield server


@pytest.fixture(scope="module")
def narrow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It has one slot."""
    data_dir = tmp_path_factory.mktemp("isolation_narrow") / "data"
    environment = {"OUTRIGGER_WORKER_SLOTS": "1", "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.2"}
    with started_server(data_dir, environment=environment) as server:
        yield server


@pytest.fixture
async def narrow_client(narrow_server: Server) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=narrow_server.url, api_key=None) as client:
        yield client


async def new_thread(client: LangGraphClient) -> str:
    return str((await client.threads.create())["thread_id"])


@pytest.mark.parametrize("probe", ["probe_sync", "probe_blocking"])
async def test_a_node_that_blocks_does_not_hold_up_the_api(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, probe: str
) -> None:
    run_id = await start(client, thread_id, probe, "T", BLOCKING_SECONDS)
    await until_in_middle(client, thread_id, run_id, saved=False)
    for _ in range(10):
        assert (await http.get("/ok")).json() == {"ok": True, "services": {}}
        assert (await client.threads.get(thread_id))["status"] == "busy"
    created = await start(client, await new_thread(client), "probe_async", "N", 0.0)
    assert await status_or_gone(client, thread_id, run_id) == "running"
    await until_status(client, thread_id, run_id, "success")
    assert await log_at_rest(client, thread_id, run_id) == marks("T")
    assert created


async def test_heartbeats_go_on_while_a_node_blocks_the_loop_of_the_graphs(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_blocking", "T", 1.0)
    await until_in_middle(client, thread_id, run_id, saved=False)
    answer = await http.get(f"/threads/{thread_id}/runs/{run_id}/stream")
    assert answer.content.count(b": heartbeat\r\n\r\n") >= 2


async def test_a_sync_node_holds_up_no_other_run(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    slow = await start(client, thread_id, "probe_sync", "S", BLOCKING_SECONDS)
    await until_in_middle(client, thread_id, slow)
    others = [await new_thread(client) for _ in range(3)]
    streams = await asyncio.gather(
        *(
            stream_of(
                http,
                "POST",
                f"/threads/{other}/runs/stream",
                json={"assistant_id": "probe_async", "input": probe_input("T", 0.05)},
            )
            for other in others
        )
    )
    assert await status_or_gone(client, thread_id, slow) == "running"
    for frames in streams:
        assert frames[-1].data["log"] == marks("T")
    await until_status(client, thread_id, slow, "success")


async def test_sync_nodes_of_all_slots_run_side_by_side(client: LangGraphClient) -> None:
    begun = time.monotonic()
    threads = [await new_thread(client) for _ in range(4)]
    await asyncio.gather(
        *(client.runs.wait(thread, "probe_sync", input=probe_input("T", 1.0)) for thread in threads)
    )
    assert time.monotonic() - begun < 3.5, "one after the other they take four seconds"


@pytest.mark.parametrize("probe", ["probe_swallow", "probe_sync", "probe_blocking"])
async def test_a_zombie_keeps_its_slot_until_it_ends(
    narrow_server: Server, narrow_client: LangGraphClient, probe: str
) -> None:
    client = narrow_client
    thread_id, idle_thread = await new_thread(client), await new_thread(client)
    victim = await start(client, thread_id, probe, "V", 1.5)
    await until_in_middle(client, thread_id, victim, saved=False)
    newcomer = await start(
        client, thread_id, "probe_async", "N", 0.0, multitask_strategy="rollback"
    )
    other = await start(client, idle_thread, "probe_async", "O", 0.0)
    seen = 0
    async with asyncio.timeout(20):
        while "success" not in (
            fates := {
                await status_or_gone(client, thread_id, newcomer),
                await status_or_gone(client, idle_thread, other),
            }
        ):
            if slots(narrow_server, "zombie"):
                seen += 1
                assert fates == {"pending"}, "a run started in the slot of a zombie"
            await asyncio.sleep(0.02)
    assert seen, "the zombie was never seen"
    assert logged(narrow_server, "attempt_is_a_zombie", run_id=victim)
    await until_status(client, thread_id, newcomer, "success")
    await until_status(client, idle_thread, other, "success")
    assert await log_at_rest(client, thread_id, newcomer) == marks("N")
    await until_quiet(narrow_server)


async def test_a_crowded_thread_holds_up_no_idle_one(
    client: LangGraphClient, thread_id: str
) -> None:
    crowd = [await start(client, thread_id, "probe_async", f"r{i}", 1.0) for i in range(6)]
    await until_in_middle(client, thread_id, crowd[0])
    idle_thread = await new_thread(client)
    run_id = await start(client, idle_thread, "probe_async", "T", 0.0)
    await until_status(client, idle_thread, run_id, "success")
    assert await status_or_gone(client, thread_id, crowd[1]) in {"pending", "running"}
    await client.threads.delete(thread_id)


async def test_no_more_runs_run_at_once_than_there_are_slots(
    server: Server, client: LangGraphClient
) -> None:
    threads = [await new_thread(client) for _ in range(8)]
    runs = [await start(client, thread, "probe_async", "T", 0.3) for thread in threads]
    most = 0
    async with asyncio.timeout(20):
        while "success" not in {await status_or_gone(client, threads[-1], runs[-1])}:
            fates = [
                await status_or_gone(client, thread, run)
                for thread, run in zip(threads, runs, strict=True)
            ]
            most = max(most, slots(server, "busy"))
            assert "gone" not in fates
    assert most == 4
    for thread, run in zip(threads, runs, strict=True):
        await until_status(client, thread, run, "success")
