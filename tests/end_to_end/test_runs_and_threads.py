"""Runs and their threads: list, delete, cancel, fail, configure."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.frames import Frame, arriving, named
from harness.history import assert_no_trace, chain, log_at_rest, marks, segments, tables_with
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.runs import (
    at_rest,
    probe_input,
    start,
    status_or_gone,
    until_in_middle,
    until_status,
)
from harness.slots import until_quiet

pytestmark = pytest.mark.end_to_end

LONG_SECONDS = 30.0
UNKNOWN = "01a20000-0000-7000-8000-000000000000"
NOTHING_TO_CANCEL = (
    "No matching runs to cancel. Please verify the thread ID and run IDs are correct, and the "
    "runs haven't been deleted or completed."
)
BOOM = {"error": "ValueError", "message": "boom: something went wrong"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("runs_and_threads") / "data"
    environment = {"OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5"}
    with started_server(data_dir, config=TEST_GRAPHS, environment=environment) as server:
        yield server


async def finished(client: LangGraphClient, thread_id: str, *tokens: str) -> list[str]:
    """Run one run for each token to its end, one after the other."""
    run_ids = []
    for token in tokens:
        run_ids.append(await start(client, thread_id, "probe_async", token, 0.0))
        await until_status(client, thread_id, run_ids[-1], "success")
    return run_ids


async def test_a_created_run_is_pending_and_says_where_it_is(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    body = {"assistant_id": "probe_async", "input": probe_input("T", 0.0)}
    response = await http.post(f"/threads/{thread_id}/runs", json=body)
    run = response.json()
    assert response.status_code == 200
    assert run["status"] == "pending"
    assert run["multitask_strategy"] == "enqueue"
    assert run["kwargs"]["input"] == body["input"]
    place = f"/threads/{thread_id}/runs/{run['run_id']}"
    assert response.headers["content-location"] == place
    shown = (await http.get(place)).json()
    changing = {"status", "updated_at"}
    assert {k: v for k, v in shown.items() if k not in changing} == {
        k: v for k, v in run.items() if k not in changing
    }


async def test_runs_are_listed_newest_first_by_pages_and_status(
    client: LangGraphClient, thread_id: str
) -> None:
    newest_first = (await finished(client, thread_id, "A", "B", "C"))[::-1]

    async def listed(**query: Any) -> list[str]:
        return [run["run_id"] for run in await client.runs.list(thread_id, **query)]

    assert await listed() == newest_first
    assert await listed(limit=2) == newest_first[:2]
    assert await listed(limit=2, offset=2) == newest_first[2:]
    assert await listed(status="success") == newest_first
    assert await listed(status="error") == []


async def test_unknown_runs_and_threads_are_not_found(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    run = await http.get(f"/threads/{thread_id}/runs/{UNKNOWN}")
    assert (run.status_code, run.json()) == (404, {"detail": "Not Found"})
    listed = await http.get(f"/threads/{UNKNOWN}/runs")
    assert listed.status_code == 404
    assert listed.json() == {"detail": f"Thread with ID {UNKNOWN} not found"}
    body = {"assistant_id": "probe_async", "input": {}}
    created = await http.post(f"/threads/{UNKNOWN}/runs", json=body)
    assert created.status_code == 404
    assert created.json() == {"detail": "Thread or assistant not found."}


async def test_deleting_a_finished_run_ties_later_ones_to_what_came_before(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    first, middle, last = await finished(client, thread_id, "A", "B", "C")
    deleted = await http.delete(f"/threads/{thread_id}/runs/{middle}")
    assert deleted.status_code == 204
    assert await status_or_gone(client, thread_id, middle) == "gone"
    assert segments(await chain(client, thread_id)) == [first, last]
    assert await log_at_rest(client, thread_id, last) == marks("A") + marks("B") + marks("C")
    (newest,) = await finished(client, thread_id, "D")
    assert segments(await chain(client, thread_id)) == [first, last, newest]


async def test_deleting_the_last_run_moves_the_thread_back_to_the_one_before(
    client: LangGraphClient, thread_id: str
) -> None:
    first, last = await finished(client, thread_id, "A", "B")
    await client.runs.delete(thread_id, last)
    assert await log_at_rest(client, thread_id, first) == marks("A")
    await assert_no_trace(client, thread_id, "B:", last)


async def test_deleting_a_running_run_lets_the_others_go_on(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    running = await start(client, thread_id, "probe_async", "A", LONG_SECONDS)
    queued = [await start(client, thread_id, "probe_async", token, 0.0) for token in "BC"]
    await until_in_middle(client, thread_id, running)
    deleted = await http.delete(f"/threads/{thread_id}/runs/{running}")
    assert deleted.status_code == 204
    assert await status_or_gone(client, thread_id, running) == "gone"
    await until_status(client, thread_id, queued[-1], "success")
    assert await log_at_rest(client, thread_id, queued[-1]) == marks("B") + marks("C")
    assert segments(await chain(client, thread_id)) == queued
    await assert_no_trace(client, thread_id, "A:", running)


@pytest.mark.parametrize("probe", ["probe_async", "probe_swallow", "probe_sync"])
async def test_deleting_a_busy_thread_ends_its_readers_and_nothing_comes_back(
    server: Server,
    client: LangGraphClient,
    http: httpx.AsyncClient,
    thread_id: str,
    probe: str,
) -> None:
    token = f"T-{thread_id[-12:]}"
    run_id = await start(client, thread_id, probe, token, 1.5)
    queued = await start(client, thread_id, probe, token)
    await until_in_middle(client, thread_id, run_id)
    place = f"/threads/{thread_id}/runs"
    frames: list[Frame] = []
    async with asyncio.TaskGroup() as readers:
        joining = readers.create_task(http.get(f"{place}/{queued}/join"))
        headers = {"Last-Event-ID": "-1"}
        async with http.stream("GET", f"{place}/{run_id}/stream", headers=headers) as response:
            async for frame in arriving(response):
                frames.append(frame)
                if frame.name == "updates":
                    deleted = await http.delete(f"/threads/{thread_id}")
                    assert deleted.status_code == 204
                    cut = time.monotonic()
        await asyncio.wait({joining})
        assert time.monotonic() - cut < 1.0
    assert [list(data) for data in named(frames, "updates")] == [["first"]]
    gone = {"error": "HTTPException", "message": "404: Run not found"}
    assert frames[-1] == Frame("error", gone)
    assert "__error__" in joining.result().json()
    assert (await http.get(f"/threads/{thread_id}")).status_code == 404
    await until_quiet(server)
    assert (await http.get(f"/threads/{thread_id}")).status_code == 404
    assert tables_with(server.data_dir, thread_id) == []
    assert tables_with(server.data_dir, token) == []


async def cancel(
    http: httpx.AsyncClient, thread_id: str, run_id: str, **query: str
) -> httpx.Response:
    return await http.post(f"/threads/{thread_id}/runs/{run_id}/cancel", params=query)


async def test_cancelling_a_running_run_is_accepted_at_once_and_a_second_time_refused(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_swallow", "T", 1.0)
    await until_in_middle(client, thread_id, run_id)
    first = await cancel(http, thread_id, run_id)
    assert (first.status_code, first.content) == (202, b"")
    second = await cancel(http, thread_id, run_id)
    assert (second.status_code, second.json()) == (404, {"detail": NOTHING_TO_CANCEL})
    await until_status(client, thread_id, run_id, "interrupted")
    third = await cancel(http, thread_id, run_id)
    assert (third.status_code, third.json()) == (404, {"detail": NOTHING_TO_CANCEL})


async def test_cancelling_with_wait_returns_when_the_run_has_stopped(
    server: Server, client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_swallow", "T", 1.0)
    await until_in_middle(client, thread_id, run_id)
    answer = await cancel(http, thread_id, run_id, wait="1")
    assert (answer.status_code, answer.json()) == (200, {})
    place = f"/threads/{thread_id}/runs/{run_id}"
    assert answer.headers["location"] == f"{place}/join"
    assert answer.headers["content-location"] == place
    assert await status_or_gone(client, thread_id, run_id) == "interrupted"
    history = await client.threads.get_history(thread_id)
    assert history[0]["values"]["log"] == marks("T", "input", "first")
    await until_quiet(server)
    assert await client.threads.get_history(thread_id) == history


async def test_cancelling_with_rollback_removes_the_run(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    (earlier,) = await finished(client, thread_id, "E")
    run_id = await start(client, thread_id, "probe_async", "T", LONG_SECONDS)
    await until_in_middle(client, thread_id, run_id)
    answer = await cancel(http, thread_id, run_id, wait="1", action="rollback")
    assert (answer.status_code, answer.json()) == (200, {})
    assert await status_or_gone(client, thread_id, run_id) == "gone"
    assert await log_at_rest(client, thread_id, earlier) == marks("E")
    await assert_no_trace(client, thread_id, "T:", run_id)
    thread = await client.threads.get(thread_id)
    assert (thread["status"], thread["error"]["error"]) == ("idle", "UserRollback")


async def test_cancelling_a_pending_run_leaves_the_thread_busy_with_the_others(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    running = await start(client, thread_id, "probe_async", "A", 0.5)
    await until_in_middle(client, thread_id, running)
    kept = await start(client, thread_id, "probe_async", "B")
    erased = await start(client, thread_id, "probe_async", "C")
    assert (await cancel(http, thread_id, kept)).status_code == 202
    assert (await cancel(http, thread_id, erased, action="rollback")).status_code == 202
    assert await status_or_gone(client, thread_id, kept) == "interrupted"
    assert await status_or_gone(client, thread_id, erased) == "gone"
    assert (await client.threads.get(thread_id))["status"] == "busy"
    await until_status(client, thread_id, running, "success")
    assert (await at_rest(client, thread_id))["status"] == "idle"
    assert await log_at_rest(client, thread_id, running) == marks("A")


async def test_cancelling_an_unknown_run_is_not_found(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    answer = await cancel(http, thread_id, UNKNOWN)
    assert (answer.status_code, answer.json()) == (404, {"detail": "No runs found to cancel."})


async def test_a_failing_run_is_an_error_of_its_thread(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    body = {"assistant_id": "failing", "input": {"log": ["input"]}}
    response = await http.post(f"/threads/{thread_id}/runs/wait", json=body)
    assert (response.status_code, response.json()) == (200, {"__error__": BOOM})
    (run,) = await client.runs.list(thread_id)
    assert run["status"] == "error"
    thread = await at_rest(client, thread_id)
    assert (thread["status"], thread["error"]) == ("error", BOOM)


async def test_a_run_queued_behind_a_failing_one_still_runs(
    client: LangGraphClient, thread_id: str
) -> None:
    running = await start(client, thread_id, "probe_async", "A", 0.3)
    failing = await client.runs.create(thread_id, "failing", input={"log": ["F:input"]})
    queued = await start(client, thread_id, "probe_async", "B", 0.0)
    await until_status(client, thread_id, queued, "success")
    fates = [
        await status_or_gone(client, thread_id, run_id) for run_id in (running, failing["run_id"])
    ]
    assert fates == ["success", "error"]
    thread = await at_rest(client, thread_id)
    assert (thread["status"], thread["error"]) == ("idle", None)
    assert await log_at_rest(client, thread_id, queued) == [
        *marks("A"),
        "F:input",
        *marks("B"),
    ]


async def test_metadata_of_a_run_is_merged_from_thread_config_and_request(
    client: LangGraphClient,
) -> None:
    config: Any = {"metadata": {"b": "config", "c": "config"}}  # the SDK's type leaves it out
    thread = await client.threads.create(metadata={"a": "thread", "b": "thread", "c": "thread"})
    run = await client.runs.create(
        thread["thread_id"],
        "probe_async",
        input=probe_input("T", 0.0),
        config=config,
        metadata={"c": "request", "assistant_id": "forged"},
    )
    merged = {"a": "thread", "b": "config", "c": "request", "assistant_id": run["assistant_id"]}
    assert run["metadata"].items() >= merged.items()
    await until_status(client, thread["thread_id"], run["run_id"], "success")
    state = await client.threads.get_state(thread["thread_id"])
    assert state["metadata"].items() >= merged.items()
    shown = await client.threads.get(thread["thread_id"])
    assert shown["metadata"].items() >= {"a": "thread", "graph_id": "probe_async"}.items()


async def test_a_graph_gets_the_configuration_of_its_run(
    client: LangGraphClient, thread_id: str
) -> None:
    body = await client.runs.wait(
        thread_id,
        "settings",
        input={},
        config={"configurable": {"size": 3}, "tags": ["blue"]},
    )
    (run,) = await client.runs.list(thread_id)
    assert isinstance(body, dict)
    assert body["shown"] == {
        "size": 3,
        "thread_id": thread_id,
        "run_id": run["run_id"],
        "tags": ["blue"],
        "colour": None,
    }


async def test_a_graph_gets_the_context_of_its_run(client: LangGraphClient, thread_id: str) -> None:
    body = await client.runs.wait(thread_id, "settings", input={}, context={"colour": "green"})
    assert isinstance(body, dict)
    assert body["shown"]["colour"] == "green"


async def test_configurable_and_context_together_are_refused(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    body = {
        "assistant_id": "settings",
        "config": {"configurable": {"size": 3}},
        "context": {"colour": "green"},
    }
    answer = await http.post(f"/threads/{thread_id}/runs", json=body)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("Cannot specify both configurable and context.")
