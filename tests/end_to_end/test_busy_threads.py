"""What may come over a thread whose run is in its middle, in one process and in several."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError

from harness.backends import BACKENDS, started_backend
from harness.cluster import Cluster
from harness.history import assert_no_trace, chain, log_at_rest, marks, segments
from harness.processes import Server
from harness.runs import (
    at_rest,
    probe_input,
    start,
    status_or_gone,
    until_in_middle,
    until_status,
)

pytestmark = pytest.mark.end_to_end

LONG_SECONDS = 30.0
DELETIONS = 10


@pytest.fixture(scope="module", params=BACKENDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server | Cluster]:
    folder = tmp_path_factory.mktemp("busy_threads")
    environment = {"OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5"}
    with started_backend(request, folder, environment=environment) as server:
        yield server


@pytest.mark.parametrize(
    ("strategy", "fate", "left"),
    [
        ("enqueue", "success", ("input", "first", "middle", "last")),
        ("interrupt", "interrupted", ("input", "first")),
        ("rollback", "gone", ()),
    ],
)
@pytest.mark.parametrize("probe", ["probe_async", "probe_sync", "probe_swallow"])
async def test_a_running_victim_meets_what_the_strategy_says(
    client: LangGraphClient,
    thread_id: str,
    probe: str,
    strategy: str,
    fate: str,
    left: tuple[str, ...],
) -> None:
    victim = await start(client, thread_id, probe, "V", 1.0)
    await until_in_middle(client, thread_id, victim)
    newest = await start(client, thread_id, probe, "N", 0.0, multitask_strategy=strategy)
    await until_status(client, thread_id, newest, "success")
    assert await status_or_gone(client, thread_id, victim) == fate
    kept = marks("V", *left) if left else []
    assert await log_at_rest(client, thread_id, newest) == kept + marks("N")
    assert segments(await chain(client, thread_id)) == ([victim] if left else []) + [newest]
    assert (await at_rest(client, thread_id))["status"] == "idle"
    if not left:
        await assert_no_trace(client, thread_id, "V:", victim)


async def test_a_running_run_is_left_alone_by_a_reject(
    client: LangGraphClient, thread_id: str
) -> None:
    running = await start(client, thread_id, "probe_async", "V", 1.0)
    await until_in_middle(client, thread_id, running)
    with pytest.raises(ConflictError):
        await start(client, thread_id, "probe_async", "N", multitask_strategy="reject")
    await until_status(client, thread_id, running, "success")
    assert await log_at_rest(client, thread_id, running) == marks("V")
    await assert_no_trace(client, thread_id, "N:")
    assert len(await client.runs.list(thread_id)) == 1


async def test_a_state_update_is_refused_and_writes_nothing(
    client: LangGraphClient, thread_id: str
) -> None:
    running = await start(client, thread_id, "probe_async", "V", 1.0)
    await until_in_middle(client, thread_id, running)
    with pytest.raises(ConflictError):
        await client.threads.update_state(thread_id, {"log": ["by hand"]})
    await until_status(client, thread_id, running, "success")
    assert await log_at_rest(client, thread_id, running) == marks("V")


async def test_a_state_update_is_refused_while_a_run_only_waits(
    client: LangGraphClient, thread_id: str
) -> None:
    delayed = await start(client, thread_id, "probe_async", "V", after_seconds=600)
    with pytest.raises(ConflictError):
        await client.threads.update_state(thread_id, {"log": ["by hand"]}, as_node="middle")
    assert await chain(client, thread_id) == []
    assert await status_or_gone(client, thread_id, delayed) == "pending"


async def test_many_state_updates_and_runs_at_once_follow_one_another(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await client.runs.wait(thread_id, "probe_async", input=probe_input("A", 0.0))
    body = {"assistant_id": "probe_async", "input": probe_input("B", 0.0)}
    updates = [
        http.post(f"/threads/{thread_id}/state", json={"values": {"log": [f"hand-{n}"]}})
        for n in range(10)
    ]
    run, *answers = await asyncio.gather(
        http.post(f"/threads/{thread_id}/runs", json=body), *updates
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    run_id = run.json()["run_id"]
    await until_status(client, thread_id, run_id, "success")
    state = await client.threads.get_state(thread_id)
    await chain(client, thread_id)
    by_hand = [mark for mark in state["values"]["log"] if mark.startswith("hand-")]
    done = [f"hand-{n}" for n, answer in enumerate(answers) if answer.status_code == 200]
    assert sorted(by_hand) == sorted(done)
    own = [mark for mark in state["values"]["log"] if mark.startswith("B:")]
    assert own == marks("B")


async def test_a_deleted_run_goes_and_the_one_behind_it_runs(
    client: LangGraphClient, thread_id: str
) -> None:
    running = await start(client, thread_id, "probe_async", "V", LONG_SECONDS)
    await until_in_middle(client, thread_id, running)
    behind = await start(client, thread_id, "probe_async", "N", 0.0)
    await client.runs.delete(thread_id, running)
    await until_status(client, thread_id, behind, "success")
    assert await status_or_gone(client, thread_id, running) == "gone"
    assert await log_at_rest(client, thread_id, behind) == marks("N")
    await assert_no_trace(client, thread_id, "V:", running)


async def test_a_thread_deleted_under_its_runs_leaves_its_name_free(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    for n in range(DELETIONS):
        run_id = await start(client, thread_id, "probe_swallow", f"V{n}", 0.3)
        queued = await start(client, thread_id, "probe_async", f"Q{n}", 0.0)
        if n % 2:
            await until_in_middle(client, thread_id, run_id)
        assert (await http.delete(f"/threads/{thread_id}")).status_code == 204
        assert (await http.get(f"/threads/{thread_id}")).status_code == 404
        assert await status_or_gone(client, thread_id, run_id) == "gone"
        assert await status_or_gone(client, thread_id, queued) == "gone"
        await client.threads.create(thread_id=thread_id)
    last = await start(client, thread_id, "probe_async", "N", 0.0)
    await until_status(client, thread_id, last, "success")
    assert await log_at_rest(client, thread_id, last) == marks("N")
    await assert_no_trace(client, thread_id, "V", "Q")
