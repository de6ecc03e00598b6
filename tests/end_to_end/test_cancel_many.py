"""Cancelling several runs at once: some of a thread, or all with a status."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError

from harness.processes import Server, started_server
from harness.runs import at_rest, start, status_or_gone, until_ended, until_status

pytestmark = pytest.mark.end_to_end

LONG_SECONDS = 60.0
NOBODY = "01a20000-0000-7000-8000-000000000000"
NOTHING_FOUND = {"detail": "No runs found to cancel."}
ONE_WAY = "Give a 'status', or a 'thread_id' and its 'run_ids'."


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    environment = {"OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5"}
    with ExitStack() as stack:
        if request.param == "postgres":
            postgres = request.getfixturevalue("postgres_server")
            environment["POSTGRES_URI"] = stack.enter_context(postgres.fresh_database())
            environment["OUTRIGGER_MIGRATE_ON_START"] = "true"
        folder = tmp_path_factory.mktemp("cancel_many") / "data"
        yield stack.enter_context(started_server(folder, environment=environment))


async def one_running_two_waiting(client: LangGraphClient, thread_id: str) -> list[str]:
    runs = [await start(client, thread_id, "probe_async", f"T{n}", LONG_SECONDS) for n in range(3)]
    await until_status(client, thread_id, runs[0], "running")
    return runs


async def ends(client: LangGraphClient, thread_id: str, run_ids: list[str]) -> list[str]:
    return [await until_ended(client, thread_id, run_id) for run_id in run_ids]


async def test_some_runs_of_a_thread_are_cancelled_and_the_rest_go_on(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    first, second, third = await one_running_two_waiting(client, thread_id)
    body = {"thread_id": thread_id, "run_ids": [first, third, NOBODY]}
    response = await http.post("/runs/cancel", json=body)
    assert (response.status_code, response.content) == (204, b"")
    assert await ends(client, thread_id, [first, third]) == ["interrupted", "interrupted"]
    await until_status(client, thread_id, second, "running")
    await client.runs.cancel(thread_id, second, wait=True)


async def test_a_rollback_leaves_nothing_of_them(client: LangGraphClient, thread_id: str) -> None:
    runs = await one_running_two_waiting(client, thread_id)
    await client.runs.cancel_many(thread_id=thread_id, run_ids=runs, action="rollback")
    assert await ends(client, thread_id, runs) == ["gone"] * 3
    assert (await client.threads.get_state(thread_id))["values"] == {}


async def test_an_unknown_action_is_an_interrupt(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", LONG_SECONDS)
    body = {"thread_id": thread_id, "run_ids": [run_id]}
    assert (await http.post("/runs/cancel?action=x", json=body)).status_code == 204
    assert await ends(client, thread_id, [run_id]) == ["interrupted"]
    again = await http.post("/runs/cancel", json=body)
    assert again.status_code == 404
    assert again.json()["detail"].startswith("No matching runs to cancel.")


async def test_every_run_with_a_status_is_cancelled_on_every_thread(
    client: LangGraphClient,
) -> None:
    threads = [(await client.threads.create())["thread_id"] for _ in range(3)]
    runs = {thread: await one_running_two_waiting(client, thread) for thread in threads}
    await client.runs.cancel_many(status="pending")
    for thread, (running, *waiting) in runs.items():
        assert await ends(client, thread, waiting) == ["interrupted"] * 2
        assert await status_or_gone(client, thread, running) == "running"
    await client.runs.cancel_many(status="running")
    for thread, (running, *_) in runs.items():
        assert await ends(client, thread, [running]) == ["interrupted"]
        rested = await at_rest(client, thread)
        assert rested["error"]["message"] == "interrupt requested via POST /runs/cancel"
    with pytest.raises(NotFoundError):
        await client.runs.cancel_many(status="all")


async def test_all_are_cancelled_whether_they_wait_or_run(client: LangGraphClient) -> None:
    threads = [(await client.threads.create())["thread_id"] for _ in range(3)]
    runs = {thread: await one_running_two_waiting(client, thread) for thread in threads}
    await client.runs.cancel_many(status="all", action="rollback")
    for thread, run_ids in runs.items():
        assert await ends(client, thread, run_ids) == ["gone"] * 3


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, ONE_WAY),
        ({"thread_id": NOBODY}, ONE_WAY),
        ({"run_ids": [NOBODY]}, ONE_WAY),
        ({"status": "all", "thread_id": NOBODY}, "When providing a 'status', 'thread_id' and"),
        ({"status": "success"}, "status: input should be 'pending', 'running' or 'all'"),
        ({"thread_id": "x", "run_ids": [NOBODY]}, "Invalid thread ID: must be a UUID"),
        ({"thread_id": NOBODY, "run_ids": ["x"]}, "Invalid run ID: must be a UUID"),
        ({"thread_id": NOBODY, "run_ids": [NOBODY] * 1001}, "run_ids: list should have at most"),
        ({"thread_id": NOBODY, "run_ids": "x"}, "run_ids: input should be a valid list"),
    ],
)
async def test_what_names_no_runs_is_refused(http: httpx.AsyncClient, body: Any, text: str) -> None:
    response = await http.post("/runs/cancel", json=body)
    assert response.status_code == 422
    assert response.json()["detail"].startswith(text)


async def test_runs_that_are_not_there_are_not_found(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", 0.0)
    await until_status(client, thread_id, run_id, "success")
    for body in (
        {"thread_id": thread_id, "run_ids": [NOBODY]},
        {"thread_id": thread_id, "run_ids": []},
        {"thread_id": NOBODY, "run_ids": [run_id]},
    ):
        response = await http.post("/runs/cancel", json=body)
        assert (response.status_code, response.json()) == (404, NOTHING_FOUND)
