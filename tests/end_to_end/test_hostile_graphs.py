"""Users' graphs that exit, dawdle or fail late harm nobody but their own run."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.processes import ROOT, Server, started_server
from harness.runs import DEADLINE_SECONDS, at_rest, until_status

pytestmark = pytest.mark.end_to_end

HOSTILE = ROOT / "tests" / "end_to_end" / "graphs" / "hostile" / "langgraph.json"
WITHOUT_A_POLL_SECONDS = 3.0
TRACEBACK_LINES = 100
"""Far more than one traceback has, far fewer than a loop of them."""


@pytest.fixture(scope="module")
def marks_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile_marks")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, marks_dir: Path) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("hostile") / "data"
    environment = {"HOSTILE_MARKS": str(marks_dir)}
    with started_server(data_dir, config=HOSTILE, environment=environment) as server:
        yield server


async def until_begun(marks_dir: Path, name: str, count: int) -> None:
    """Return once so many slow things of this name have begun in all."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (begun := len(list(marks_dir.glob(f"{name}-*")))) < count:
        assert time.monotonic() < deadline, f"{begun} of {count} have begun"
        await asyncio.sleep(0.01)


async def wait_for(client: LangGraphClient, thread_id: str, graph: str) -> dict[str, Any]:
    answer = await client.runs.wait(thread_id, graph, input={"log": ["in"]}, raise_error=False)
    return dict(answer)


@pytest.mark.parametrize(
    ("graph", "error"),
    [
        ("exit_sync", "SystemExit"),
        ("exit_async", "SystemExit"),
        ("break_sync", "KeyboardInterrupt"),
        ("break_async", "KeyboardInterrupt"),
    ],
)
async def test_a_node_that_tries_to_end_the_process_ends_only_its_run(
    server: Server, client: LangGraphClient, thread_id: str, graph: str, error: str
) -> None:
    before = len(server.log.read_text())
    answer = await wait_for(client, thread_id, graph)
    assert answer["__error__"]["error"] == error
    (run,) = await client.runs.list(thread_id)
    assert run["status"] == "error"
    assert (await at_rest(client, thread_id))["status"] == "error"
    other = await client.threads.create()
    assert (await wait_for(client, other["thread_id"], "good"))["log"] == ["in", "one", "two"]
    assert server.process.poll() is None
    logged = server.log.read_text()[before:]
    assert error in logged
    assert len(logged.splitlines()) < TRACEBACK_LINES
    assert logged.count("Traceback") <= 1


async def test_a_slow_factory_holds_up_no_request_but_its_own(
    client: LangGraphClient, http: httpx.AsyncClient, marks_dir: Path
) -> None:
    threads = [
        str((await client.threads.create(graph_id="slow_factory"))["thread_id"]) for _ in range(4)
    ]
    known = len(list(marks_dir.glob("factory-*")))
    states = [asyncio.create_task(http.get(f"/threads/{thread_id}/state")) for thread_id in threads]
    await until_begun(marks_dir, "factory", known + 1)
    assert (await http.get("/ok")).json()["ok"] is True
    assert (await http.get(f"/threads/{threads[0]}")).status_code == 200
    assert not any(state.done() for state in states), "they were answered before /ok"
    assert [answer.status_code for answer in await asyncio.gather(*states)] == [200] * 4


async def test_values_of_a_failed_run_are_those_of_its_last_good_step(
    client: LangGraphClient,
) -> None:
    for _ in range(10):
        thread_id = str((await client.threads.create())["thread_id"])
        answer = await wait_for(client, thread_id, "fails_late")
        assert answer["__error__"] == {"error": "ValueError", "message": "boom"}
        thread = await client.threads.get(thread_id)
        state = await client.threads.get_state(thread_id)
        assert thread["status"] == "error"
        assert thread["values"] == state["values"] == {"log": ["in", "one", "two"]}
        assert list(state["next"]) == ["fail"]


async def test_a_run_created_during_a_state_update_starts_when_the_update_ends(
    client: LangGraphClient, thread_id: str, marks_dir: Path
) -> None:
    await wait_for(client, thread_id, "slow_reducer")
    known = len(list(marks_dir.glob("reducer-*")))
    updating = asyncio.create_task(
        client.threads.update_state(thread_id, {"log": ["slow"]}, as_node="add_one")
    )
    await until_begun(marks_dir, "reducer", known + 1)
    run = await client.runs.create(thread_id, "slow_reducer", input={"log": ["later"]})
    assert not updating.done(), "the update ended before the run was created"
    await updating
    async with asyncio.timeout(WITHOUT_A_POLL_SECONDS):
        await until_status(client, thread_id, run["run_id"], "success")
    thread = await at_rest(client, thread_id)
    assert thread["values"] == {"log": ["in", "one", "slow", "later", "one"]}
