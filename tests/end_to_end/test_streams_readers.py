"""Who reads a run: filters, several joiners, readers that leave, and waiting for a body."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.frames import named, stream_of
from harness.history import marks
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.runs import (
    at_rest,
    probe_input,
    start,
    until_in_middle,
    until_marked,
    until_status,
)

pytestmark = pytest.mark.end_to_end

HEARTBEAT_SECONDS = 0.3
UNKNOWN = "01a20000-0000-7000-8000-000000000000"
NOT_THERE = {"error": "HTTPException", "message": "404: Run not found"}
LEFT = {
    "error": "UserInterrupt",
    "message": "client disconnected from the run stream (on_disconnect=cancel)",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("streams_readers") / "data"
    environment = {"OUTRIGGER_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS)}
    with started_server(data_dir, config=TEST_GRAPHS, environment=environment) as server:
        yield server


def probe_body(seconds: float = 0.0, **options: Any) -> dict[str, Any]:
    return {"assistant_id": "probe_async", "input": probe_input("T", seconds), **options}


@pytest.mark.parametrize("mode", ["updates", "values"])
async def test_a_joiner_gets_only_the_modes_it_asks_for(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, mode: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", 0.0)
    await until_status(client, thread_id, run_id, "success")
    path = f"/threads/{thread_id}/runs/{run_id}/stream"
    headers = {"Last-Event-ID": "-1"}
    frames = await stream_of(http, "GET", path, params={"stream_mode": mode}, headers=headers)
    assert {frame.name for frame in frames} == {mode}
    other = {"stream_mode": "custom"}
    assert await stream_of(http, "GET", path, params=other, headers=headers) == []


async def test_every_joiner_gets_everything(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", 0.5)
    await until_in_middle(client, thread_id, run_id)
    path = f"/threads/{thread_id}/runs/{run_id}/stream"
    several = await asyncio.gather(*(stream_of(http, "GET", path) for _ in range(5)))
    for frames in several:
        assert frames == several[0]
        assert [list(data) for data in named(frames, "updates")] == [["middle"], ["last"]]


async def test_an_unknown_run_is_an_error_in_band(http: httpx.AsyncClient, thread_id: str) -> None:
    place = f"/threads/{thread_id}/runs/{UNKNOWN}"
    joined = await http.get(f"{place}/join")
    assert (joined.status_code, joined.json()) == (200, {"__error__": NOT_THERE})
    streamed = await http.get(f"{place}/stream")
    assert streamed.status_code == 200
    assert streamed.content == (
        b'event: error\r\ndata: {"error":"HTTPException","message":"404: Run not found"}\r\n\r\n'
    )


async def leave(http: httpx.AsyncClient, thread_id: str, verb: str, on_disconnect: str) -> str:
    """Start a run by `verb`, go away when the answer has begun, and return the run's id."""
    body = probe_body(1.5, on_disconnect=on_disconnect)
    async with http.stream("POST", f"/threads/{thread_id}/runs/{verb}", json=body) as response:
        async for _ in response.aiter_raw():
            break
        return str(response.headers["content-location"].rpartition("/")[2])


@pytest.mark.parametrize("verb", ["stream", "wait"])
async def test_a_client_that_leaves_cancels_its_run_when_it_said_so(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, verb: str
) -> None:
    run_id = await leave(http, thread_id, verb, "cancel")
    await until_status(client, thread_id, run_id, "interrupted")
    thread = await at_rest(client, thread_id)
    assert thread["error"] == LEFT
    # It may have left before the run's first checkpoint: then nothing is left to go on with.
    left_over = (await client.threads.get_state(thread_id))["next"]
    assert thread["status"] == ("interrupted" if left_over else "idle")
    assert "T:middle" not in thread["values"].get("log", [])


@pytest.mark.parametrize("verb", ["stream", "wait"])
async def test_a_client_that_leaves_lets_its_run_go_on_otherwise(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, verb: str
) -> None:
    run_id = await leave(http, thread_id, verb, "continue")
    await until_status(client, thread_id, run_id, "success")
    thread = await at_rest(client, thread_id)
    assert (thread["values"]["log"], thread["error"]) == (marks("T"), None)


@pytest.mark.parametrize("verb", ["stream", "join"])
async def test_a_joiner_that_leaves_cancels_the_run_when_it_said_so(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, verb: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", 30.0)
    await until_in_middle(client, thread_id, run_id)
    path = f"/threads/{thread_id}/runs/{run_id}/{verb}"
    async with http.stream("GET", path, params={"cancel_on_disconnect": "1"}) as response:
        async for _ in response.aiter_raw():
            break
    await until_status(client, thread_id, run_id, "interrupted")


@pytest.mark.parametrize("verb", ["wait", "join"])
async def test_a_waiting_client_gets_a_newline_each_heartbeat_and_then_the_values(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, verb: str
) -> None:
    seconds = HEARTBEAT_SECONDS * 3.5
    if verb == "wait":
        response = await http.post(f"/threads/{thread_id}/runs/wait", json=probe_body(seconds))
    else:
        run_id = await start(client, thread_id, "probe_async", "T", seconds)
        response = await http.get(f"/threads/{thread_id}/runs/{run_id}/join")
    assert response.status_code == 200
    beats = len(response.content) - len(response.content.lstrip(b"\n"))
    assert 2 <= beats <= 5
    assert response.json()["log"] == marks("T")
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("graph", "status"), [("probe_async", "success"), ("failing", "error"), ("approval", "success")]
)
async def test_a_header_says_how_a_run_that_ended_at_once_has_ended(
    http: httpx.AsyncClient, thread_id: str, graph: str, status: str
) -> None:
    body = probe_body() | {"assistant_id": graph}
    if graph != "probe_async":
        body["input"] = {"log": ["input"]}
    response = await http.post(f"/threads/{thread_id}/runs/wait", json=body)
    assert response.status_code == 200
    assert response.headers["x-run-status"] == status
    place = response.headers["content-location"]
    assert response.headers["location"] == f"{place}/join"
    joined = await http.get(f"{place}/join")
    assert joined.headers["x-run-status"] == status


async def test_a_waiting_client_gets_the_error_of_a_run_that_fails(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    body = {"assistant_id": "failing", "input": {"log": []}}
    response = await http.post(f"/threads/{thread_id}/runs/wait", json=body)
    error = {"error": "ValueError", "message": "boom: something went wrong"}
    assert (response.status_code, response.json()) == (200, {"__error__": error})
    joined = await http.get(f"{response.headers['content-location']}/join")
    assert joined.json() == {"__error__": error}


@pytest.mark.parametrize("mode", ["values", "updates"])
async def test_a_run_that_finishes_while_it_is_cancelled_streams_what_it_finished(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, mode: str
) -> None:
    body = {"log": ["input"], "seconds": 30.0}
    run = await client.runs.create(
        thread_id, "finishing", input=body, stream_mode=[mode], stream_resumable=True
    )
    place = f"/threads/{thread_id}/runs/{run['run_id']}"
    await until_marked(client, thread_id, "input")
    await asyncio.sleep(0.1)  # its only node begins behind that mark, and takes half a minute
    assert (await http.post(f"{place}/cancel?wait=1")).status_code == 200
    await until_status(client, thread_id, run["run_id"], "success")
    frames = await stream_of(http, "GET", f"{place}/stream", headers={"Last-Event-ID": "-1"})
    values = {"log": ["input", "finished"], "seconds": 30.0}
    assert named(frames, "values")[-1:] == ([values] if mode == "values" else [])
    assert (await http.get(f"{place}/join")).json() == values
