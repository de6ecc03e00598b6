"""What each strategy does to a running run, with every kind of node it may be cut in."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.history import (
    assert_no_trace,
    chain,
    log_at_rest,
    marks,
    segments,
    tables_with,
    written_by,
)
from harness.processes import Server, started_server
from harness.runs import probe_input, start, status_or_gone, until_in_middle, until_status
from harness.slots import logged, until_quiet

pytestmark = pytest.mark.end_to_end

GRACE_SECONDS = 0.5
BEYOND_THE_GRACE_SECONDS = 1.5
PROBES = ("probe_async", "probe_sync", "probe_cleanup", "probe_swallow", "probe_blocking")
every_probe = pytest.mark.parametrize("probe", PROBES)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("double_texting") / "data"
    environment = {"OUTRIGGER_CANCEL_GRACE_SECONDS": str(GRACE_SECONDS)}
    with started_server(data_dir, environment=environment) as server:
        yield server


@dataclass
class Sightings:
    """What one who watches the thread saw, in order, each change once."""

    victim: list[str] = field(default_factory=list)
    newcomer: list[str] = field(default_factory=list)
    thread: list[str] = field(default_factory=list)

    def note(self, victim: str, newcomer: str, thread: str) -> None:
        for seen, now in (
            (self.victim, victim),
            (self.newcomer, newcomer),
            (self.thread, thread),
        ):
            if seen[-1:] != [now]:
                seen.append(now)


async def watch(client: LangGraphClient, thread_id: str, victim: str, newcomer: str) -> Sightings:
    """Look at the thread until the newcomer has ended."""
    sightings = Sightings()
    async with asyncio.timeout(20):
        while True:
            thread = str((await client.threads.get(thread_id))["status"])
            newcomers = await status_or_gone(client, thread_id, newcomer)
            victims = await status_or_gone(client, thread_id, victim)
            if newcomers == "running":
                assert victims != "running", "two runs of one thread run at once"
            sightings.note(victims, newcomers, thread)
            if newcomers not in {"pending", "running"}:
                break
            assert thread == "busy", "a run is in flight, but the thread is not busy"
    sightings.thread.append(str((await client.threads.get(thread_id))["status"]))
    return sightings


async def double_text(
    http: httpx.AsyncClient, thread_id: str, probe: str, token: str, strategy: str
) -> httpx.Response:
    body: dict[str, Any] = {
        "assistant_id": probe,
        "input": probe_input(token, 0.1),
        "multitask_strategy": strategy,
    }
    return await http.post(f"/threads/{thread_id}/runs", json=body)


async def assert_quiet_after(server: Server, client: LangGraphClient, thread_id: str) -> None:
    """Nothing is written once the thread is at rest, though a node may still be alive."""
    history = await client.threads.get_history(thread_id, limit=1000)
    thread = await client.threads.get(thread_id)
    await until_quiet(server)
    assert await client.threads.get_history(thread_id, limit=1000) == history
    assert await client.threads.get(thread_id) == thread


@every_probe
async def test_reject_refuses_the_newcomer_without_a_trace(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, probe: str
) -> None:
    victim = await start(client, thread_id, probe, "V", 0.4)
    await until_in_middle(client, thread_id, victim, saved=probe != "probe_blocking")
    refused = await double_text(http, thread_id, probe, "newcomer", "reject")
    assert refused.status_code == 409
    assert refused.json() == {
        "detail": "Thread is already running a task. Wait for it to finish or choose a "
        "different multitask strategy."
    }
    await until_status(client, thread_id, victim, "success")
    assert await log_at_rest(client, thread_id, victim) == marks("V")
    assert segments(await chain(client, thread_id)) == [victim]
    assert [run["run_id"] for run in await client.runs.list(thread_id)] == [victim]
    await assert_no_trace(client, thread_id, "newcomer:")
    assert (await client.threads.get(thread_id))["status"] == "idle"


@every_probe
async def test_enqueue_runs_the_newcomer_behind_the_victim(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, probe: str
) -> None:
    victim = await start(client, thread_id, probe, "V", 0.4)
    await until_in_middle(client, thread_id, victim, saved=probe != "probe_blocking")
    accepted = await double_text(http, thread_id, probe, "N", "enqueue")
    assert accepted.status_code == 200
    assert accepted.json()["status"] == "pending"
    newcomer = accepted.json()["run_id"]
    sightings = await watch(client, thread_id, victim, newcomer)
    assert sightings.victim == ["running", "success"]
    assert sightings.newcomer[-1] == "success"
    assert sightings.thread[-1] == "idle"
    assert await log_at_rest(client, thread_id, newcomer) == marks("V") + marks("N")
    states = await chain(client, thread_id)
    assert segments(states) == [victim, newcomer]
    assert written_by(states, victim)[-1]["next"] == []


@every_probe
async def test_interrupt_keeps_the_finished_steps_of_the_victim_and_nothing_later(
    server: Server,
    client: LangGraphClient,
    http: httpx.AsyncClient,
    thread_id: str,
    probe: str,
) -> None:
    victim = await start(client, thread_id, probe, "V", BEYOND_THE_GRACE_SECONDS)
    await until_in_middle(client, thread_id, victim, saved=probe != "probe_blocking")
    accepted = await double_text(http, thread_id, probe, "N", "interrupt")
    assert accepted.status_code == 200
    assert accepted.json()["status"] == "pending"
    newcomer = accepted.json()["run_id"]
    sightings = await watch(client, thread_id, victim, newcomer)
    assert sightings.victim in (["running", "interrupted"], ["interrupted"])
    assert sightings.newcomer[-1] == "success"
    assert sightings.thread[-1] == "idle"
    expected = marks("V", "input", "first") + marks("N")
    assert await log_at_rest(client, thread_id, newcomer) == expected
    states = await chain(client, thread_id)
    assert segments(states) == [victim, newcomer]
    assert written_by(states, victim)[-1]["next"] == ["middle"]
    await assert_quiet_after(server, client, thread_id)
    assert_was_a_zombie(server, victim, probe)


@every_probe
async def test_rollback_leaves_nothing_of_the_victim(
    server: Server,
    client: LangGraphClient,
    http: httpx.AsyncClient,
    thread_id: str,
    probe: str,
) -> None:
    earlier = await start(client, thread_id, probe, "E", 0.0)
    await until_status(client, thread_id, earlier, "success")
    token = f"victim-{thread_id[-12:]}"
    victim = await start(client, thread_id, probe, token, BEYOND_THE_GRACE_SECONDS)
    await until_in_middle(client, thread_id, victim, saved=probe != "probe_blocking")
    accepted = await double_text(http, thread_id, probe, "N", "rollback")
    assert accepted.status_code == 200
    assert accepted.json()["status"] == "pending"
    newcomer = accepted.json()["run_id"]
    sightings = await watch(client, thread_id, victim, newcomer)
    assert sightings.victim in (["running", "gone"], ["gone"])
    assert sightings.newcomer[-1] == "success"
    assert sightings.thread[-1] == "idle"
    gone = await http.get(f"/threads/{thread_id}/runs/{victim}")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Not Found"})
    assert await log_at_rest(client, thread_id, newcomer) == marks("E") + marks("N")
    assert segments(await chain(client, thread_id)) == [earlier, newcomer]
    await assert_quiet_after(server, client, thread_id)
    await assert_no_trace(client, thread_id, token, victim)
    assert tables_with(server.data_dir, token) == []
    assert tables_with(server.data_dir, victim) == []
    assert_was_a_zombie(server, victim, probe)


def assert_was_a_zombie(server: Server, run_id: str, probe: str) -> None:
    """The test is worth something only when the node outlived the cut; all but one do."""
    zombies = logged(server, "attempt_is_a_zombie", run_id=run_id)
    assert len(zombies) == (0 if probe == "probe_async" else 1)
