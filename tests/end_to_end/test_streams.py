"""Streams on the wire: bytes, headers, modes, joining, resuming, and leaving."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.frames import HEARTBEAT, Frame, arriving, named, parse, stream_of
from harness.history import marks
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.runs import probe_input, start, until_in_middle, until_status

pytestmark = pytest.mark.end_to_end

HEARTBEAT_SECONDS = 0.3
LONG_SECONDS = 30.0
UNKNOWN = "01a20000-0000-7000-8000-000000000000"
NOT_THERE = {"error": "HTTPException", "message": "404: Run not found"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("streams") / "data"
    environment = {"OUTRIGGER_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS)}
    with started_server(data_dir, config=TEST_GRAPHS, environment=environment) as server:
        yield server


def probe_body(seconds: float = 0.0, **options: Any) -> dict[str, Any]:
    return {"assistant_id": "probe_async", "input": probe_input("T", seconds), **options}


def run_of(response: httpx.Response) -> str:
    return response.headers["content-location"].rpartition("/")[2]


async def stream(http: httpx.AsyncClient, thread_id: str, body: dict[str, Any]) -> list[Frame]:
    return await stream_of(http, "POST", f"/threads/{thread_id}/runs/stream", json=body)


async def test_frames_are_exact_to_the_byte(http: httpx.AsyncClient, thread_id: str) -> None:
    body = probe_body(stream_mode=["updates"])
    response = await http.post(f"/threads/{thread_id}/runs/stream", json=body)
    run_id = run_of(response)
    assert response.content.decode() == (
        f'event: metadata\r\ndata: {{"run_id":"{run_id}","attempt":1}}\r\n\r\n'
        'event: updates\r\ndata: {"first":{"log":["T:first"]}}\r\n\r\n'
        'event: updates\r\ndata: {"middle":{"log":["T:middle"]}}\r\n\r\n'
        'event: updates\r\ndata: {"last":{"log":["T:last"]}}\r\n\r\n'
    )


async def test_a_resumable_stream_has_the_id_behind_the_data(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    body = probe_body(stream_mode=["updates"], stream_resumable=True)
    response = await http.post(f"/threads/{thread_id}/runs/stream", json=body)
    ids = [frame.id for frame in parse(response.content)]
    updates = [
        f'event: updates\r\ndata: {{"{name}":{{"log":["T:{name}"]}}}}\r\n'
        for name in ("first", "middle", "last")
    ]
    metadata = f'{{"run_id":"{run_of(response)}","attempt":1}}'
    events = [f"event: metadata\r\ndata: {metadata}\r\n", *updates]
    expected = "".join(f"{event}id: {i}\r\n\r\n" for event, i in zip(events, ids, strict=True))
    assert response.content.decode() == expected
    order = [tuple(map(int, str(event_id).split("-"))) for event_id in ids]
    assert order == sorted(set(order))


async def test_headers_say_what_and_where_the_stream_is(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    created = await http.post(f"/threads/{thread_id}/runs/stream", json=probe_body())
    (run,) = await client.runs.list(thread_id)
    place = f"/threads/{thread_id}/runs/{run['run_id']}"
    joined = await http.get(f"{place}/stream")
    for response in (created, joined):
        assert response.headers["location"] == f"{place}/stream"
        assert response.headers["content-location"] == place
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"


async def test_a_waiting_stream_beats(http: httpx.AsyncClient, thread_id: str) -> None:
    body = probe_body(HEARTBEAT_SECONDS * 3.5)
    response = await http.post(f"/threads/{thread_id}/runs/stream", json=body)
    assert 2 <= response.content.count(HEARTBEAT) <= 5
    assert named(parse(response.content), "values")[-1]["log"] == marks("T")


async def test_values_begin_with_the_state_behind_the_input(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    frames = await stream(http, thread_id, probe_body())
    assert [frame.name for frame in frames] == ["metadata"] + ["values"] * 4
    assert [values["log"] for values in named(frames, "values")] == [
        marks("T")[: length + 1] for length in range(4)
    ]


async def test_a_question_is_a_frame_of_values_and_of_updates(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    body = {"assistant_id": "approval", "input": {"log": ["input"]}}
    frames = await stream(http, thread_id, {**body, "stream_mode": ["values", "updates"]})
    asked = {frame.name: frame.data["__interrupt__"] for frame in frames[-2:]}
    assert asked.keys() == {"values", "updates"}
    for (question,) in asked.values():
        assert question["value"] == {"question": "go on?"}
        assert question.keys() == {"value", "id", "response_schema"}


async def test_a_static_interrupt_is_an_empty_question_of_updates(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    body = probe_body(stream_mode=["updates"], interrupt_before=["middle"])
    frames = await stream(http, thread_id, body)
    assert named(frames, "updates") == [
        {"first": {"log": ["T:first"]}},
        {"__interrupt__": []},
    ]


async def test_messages_come_in_pieces_with_where_they_come_from(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    said = {"messages": [{"role": "user", "content": "count"}]}
    body = {"assistant_id": "chat", "input": said, "stream_mode": "messages-tuple"}
    frames = await stream(http, thread_id, body)
    assert {frame.name for frame in frames} == {"metadata", "messages"}
    pieces = [data for data in named(frames, "messages") if data[0]["type"] == "AIMessageChunk"]
    assert "".join(message["content"] for message, _ in pieces) == "one two three"
    for _, metadata in pieces:
        assert metadata["langgraph_node"] == "reply"
        assert metadata["thread_id"] == thread_id
        assert metadata["run_id"] == frames[0].data["run_id"]
        assert metadata["graph_id"] == "chat"
        assert metadata["run_attempt"] == 1


async def test_messages_accumulate_in_the_older_mode(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    said = {"messages": [{"role": "user", "content": "count"}]}
    body = {"assistant_id": "chat", "input": said, "stream_mode": "messages"}
    frames = await stream(http, thread_id, body)
    partial = [message["content"] for (message,) in named(frames, "messages/partial")]
    assert partial[-1] == "one two three"
    assert all(later.startswith(earlier) for earlier, later in pairwise(partial))
    assert len(named(frames, "messages/metadata")) == 1


@pytest.mark.parametrize("subgraphs", [False, True])
async def test_subgraphs_speak_under_their_name_only_when_asked_for(
    http: httpx.AsyncClient, thread_id: str, subgraphs: bool
) -> None:
    body = {
        "assistant_id": "outer",
        "input": {"log": []},
        "stream_mode": ["custom", "updates"],
        "stream_subgraphs": subgraphs,
    }
    frames = await stream(http, thread_id, body)
    assert named(frames, "custom") == [{"from": "outer"}]
    assert [list(data) for data in named(frames, "updates")] == [["step"], ["child"]]
    nested = [frame for frame in frames if "|" in frame.name]
    assert bool(nested) == subgraphs
    if subgraphs:
        (place,) = {frame.name.partition("|")[2] for frame in nested}
        assert place.startswith("child:")
        assert named(frames, f"custom|{place}") == [{"from": "inner"}]
        assert named(frames, f"updates|{place}") == [{"step": {"log": ["inner"]}}]


async def test_a_failure_is_the_last_frame(http: httpx.AsyncClient, thread_id: str) -> None:
    body = {"assistant_id": "failing", "input": {"log": []}}
    response = await http.post(f"/threads/{thread_id}/runs/stream", json=body)
    assert response.content.endswith(
        b'event: error\r\ndata: {"error":"ValueError","message":"boom: something went wrong"}'
        b"\r\n\r\n"
    )
    assert len(named(parse(response.content), "error")) == 1


@pytest.mark.parametrize(
    ("strategy", "status"), [("interrupt", "interrupted"), ("rollback", "rolled_back")]
)
async def test_a_superseded_reader_is_told_why_within_a_second(
    client: LangGraphClient,
    http: httpx.AsyncClient,
    thread_id: str,
    strategy: str,
    status: str,
) -> None:
    victim = await start(client, thread_id, "probe_async", "V", LONG_SECONDS)
    await until_in_middle(client, thread_id, victim)
    place = f"/threads/{thread_id}/runs/{victim}"
    async with asyncio.TaskGroup() as readers:
        reading = readers.create_task(stream_of(http, "GET", f"{place}/stream"))
        joining = readers.create_task(http.get(f"{place}/join"))
        await first_beat(http, place)
        newcomer = await start(
            client, thread_id, "probe_async", "N", 0.0, multitask_strategy=strategy
        )
        cut = time.monotonic()
        await asyncio.wait({reading, joining})
        assert time.monotonic() - cut < 1.0
    frames = reading.result()
    assert frames[-1] == Frame(
        "metadata",
        {"run_id": victim, "status": status, "superseded_by": newcomer},
        frames[-1].id,
    )
    assert named(frames, "error") == []
    body = joining.result().json()
    if strategy == "interrupt":
        assert body["log"] == marks("V", "input", "first")
    else:
        assert body["__error__"]["error"] == "UserRollback"


async def first_beat(http: httpx.AsyncClient, place: str) -> None:
    """Return when a reader that joined after all others got its first byte."""
    async with http.stream("GET", f"{place}/stream") as response:
        async for _ in response.aiter_raw():
            return


async def test_a_late_joiner_sees_what_comes_later(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", 0.5)
    await until_in_middle(client, thread_id, run_id)
    frames = await stream_of(http, "GET", f"/threads/{thread_id}/runs/{run_id}/stream")
    assert [list(data) for data in named(frames, "updates")] == [["middle"], ["last"]]
    assert named(frames, "metadata") == []


async def test_a_joiner_of_a_finished_run_gets_the_end_at_once(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", 0.0)
    await until_status(client, thread_id, run_id, "success")
    assert await stream_of(http, "GET", f"/threads/{thread_id}/runs/{run_id}/stream") == []


async def test_every_cut_point_resumes_without_a_gap_or_a_duplicate(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    body = probe_body(stream_mode=["values", "updates"], stream_resumable=True)
    frames = await stream(http, thread_id, body)
    path = f"/threads/{thread_id}/runs/{frames[0].data['run_id']}/stream"
    for beginning in ("-1", "0"):
        assert await stream_of(http, "GET", path, headers={"Last-Event-ID": beginning}) == frames
    for place, frame in enumerate(frames):
        rest = await stream_of(http, "GET", path, headers={"Last-Event-ID": str(frame.id)})
        assert rest == frames[place + 1 :]


async def test_a_reader_that_comes_back_while_the_run_goes_on_misses_nothing(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    body = probe_body(0.5, stream_mode=["values", "updates"], stream_resumable=True)
    seen: list[Frame] = []
    async with http.stream("POST", f"/threads/{thread_id}/runs/stream", json=body) as response:
        path = f"{response.headers['content-location']}/stream"
        async with aclosing(arriving(response)) as frames:
            async for frame in frames:
                seen.append(frame)
                if frame.name == "updates":
                    break
    seen += await stream_of(http, "GET", path, headers={"Last-Event-ID": str(seen[-1].id)})
    assert seen == await stream_of(http, "GET", path, headers={"Last-Event-ID": "-1"})
    assert named(seen, "values")[-1]["log"] == marks("T")
