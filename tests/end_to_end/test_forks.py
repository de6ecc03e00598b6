"""Runs that start from an earlier checkpoint keep their place, also when the server is killed.

A start is dear, so one server is killed with several threads, and each test looks at one.
"""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.history import WHOLE, marks, written_by
from harness.processes import started_server
from harness.runs import at_rest, probe_input, start, until_in_middle, until_status
from harness.scenes import Scene, on, place
from harness.storage import dump

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Killed in the middle of forks, and started again at once on the same port."""
    data_dir = tmp_path_factory.mktemp("killed_forks") / "data"
    with started_server(data_dir) as server:
        scene = Scene(server)
        asyncio.run(_before_the_kill(scene))
        server.kill()
        server.restart()
        yield scene


async def _before_the_kill(scene: Scene) -> None:
    async with get_client(url=scene.server.url, api_key=None) as client:
        for name in ("fork", "replay"):
            scene.threads[name] = await _thread_of_two_runs(client)
        await _start_from(client, scene, "fork", None, input=probe_input("F", 2.0))
        await until_in_middle(client, scene.threads["fork"], scene.runs["fork"][0])
        await _start_from(client, scene, "replay", "middle", input=None)
        await until_status(client, scene.threads["replay"], scene.runs["replay"][0], "running")


async def _start_from(
    client: LangGraphClient, scene: Scene, name: str, due: str | None, **options: Any
) -> None:
    """Start a run from where the thread's first run had this node before it, or had ended."""
    thread_id = scene.threads[name]
    there = await _place(client, thread_id, due)
    run_id = await start(client, thread_id, "probe_async", "F", checkpoint_id=there, **options)
    scene.runs[name] = [run_id, there]


async def _thread_of_two_runs(client: LangGraphClient) -> str:
    thread_id = str((await client.threads.create())["thread_id"])
    for token, seconds in (("A", 1.0), ("B", 0.0)):
        await client.runs.wait(thread_id, "probe_async", input=probe_input(token, seconds))
    return thread_id


async def _history(client: LangGraphClient, thread_id: str) -> list[dict[str, Any]]:
    """The whole history, oldest first."""
    states = await client.threads.get_history(thread_id, limit=WHOLE)
    return [dict(state) for state in reversed(states)]


async def _place(client: LangGraphClient, thread_id: str, due: str | None) -> str:
    """The checkpoint of the thread's first run at which this node is due, or none is."""
    states = await _history(client, thread_id)
    next_nodes = [] if due is None else [due]
    own = written_by(states, states[0]["metadata"]["run_id"])
    (found,) = (state for state in own if list(state["next"]) == next_nodes)
    checkpoint_id: str = found["checkpoint"]["checkpoint_id"]
    return checkpoint_id


async def test_a_fork_that_was_killed_in_its_middle_keeps_its_input_and_its_place(
    killed: Scene,
) -> None:
    async with on(killed, "fork") as (client, thread_id, (run_id, there)):
        await until_status(client, thread_id, run_id, "success")
        thread = await at_rest(client, thread_id)
        assert thread["status"] == "idle"
        assert thread["values"]["log"] == marks("A") + marks("F")
        own = written_by(await _history(client, thread_id), run_id)
        assert own[0]["parent_checkpoint"]["checkpoint_id"] == there
        assert sorted({state["metadata"]["run_attempt"] for state in own}) == [1, 2]
        assert (await client.threads.get_state(thread_id))["values"] == thread["values"]


async def test_a_replay_that_was_killed_keeps_its_place(killed: Scene) -> None:
    async with on(killed, "replay") as (client, thread_id, (run_id, _)):
        await until_status(client, thread_id, run_id, "success")
        thread = await at_rest(client, thread_id)
        assert thread["status"] == "idle"
        assert thread["values"]["log"] == marks("A")
        assert (await client.threads.get_state(thread_id))["values"] == thread["values"]


async def test_what_a_fork_left_behind_stays_in_the_history(killed: Scene) -> None:
    async with on(killed, "fork") as (client, thread_id, (run_id, _)):
        await until_status(client, thread_id, run_id, "success")
        logs = [state["values"].get("log") for state in await _history(client, thread_id)]
        assert marks("A") + marks("B") in logs


async def test_a_run_from_a_checkpoint_the_thread_has_not_is_refused(tmp_path: Path) -> None:
    async with place(tmp_path / "data", {}) as here:
        await here.client.runs.wait(here.thread_id, "probe_async", input=probe_input("A", 0.0))
        foreign_thread = str((await here.client.threads.create())["thread_id"])
        await here.client.runs.wait(foreign_thread, "probe_async", input=probe_input("X", 0.0))
        foreign = await _place(here.client, foreign_thread, None)
        before = dump(here.server.data_dir)
        async with httpx.AsyncClient(base_url=here.server.url) as http:
            for unknown in (str(uuid.uuid4()), foreign):
                for where in (
                    {"checkpoint_id": unknown},
                    {"checkpoint": {"checkpoint_id": unknown}},
                ):
                    body = {"assistant_id": "probe_async", "input": probe_input("F"), **where}
                    answer = await http.post(f"/threads/{here.thread_id}/runs", json=body)
                    text = f"The thread has no checkpoint {unknown}"
                    assert (answer.status_code, answer.json()) == (422, {"detail": text})
        assert dump(here.server.data_dir) == before
