"""Threads on every database: their state and history, and the stream of all their runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import BadRequestError
from langgraph_sdk.schema import StreamPart

from harness.frames import Frame, arriving
from harness.on_each_database import DATABASES, served_on
from harness.processes import Server
from harness.runs import DEADLINE_SECONDS, probe_input, start, until_in_middle, until_status

pytestmark = pytest.mark.end_to_end

UNKNOWN = "01a20000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module", params=DATABASES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with served_on(request, tmp_path_factory.mktemp("threads_followed")) as server:
        yield server


# -- state ---------------------------------------------------------------------


async def test_the_state_of_a_subgraph_is_read_at_its_place(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await client.runs.wait(thread_id, "asking_inside", input={"log": ["in"]})
    state = await client.threads.get_state(thread_id, subgraphs=True)
    (task,) = state["tasks"]
    inner = task["state"]
    assert inner is not None
    place = inner["checkpoint"]
    assert place["checkpoint_ns"].startswith(task["name"])
    for asked in (place, {"checkpoint_ns": place["checkpoint_ns"]}):
        body = {"checkpoint": asked}
        answer = await http.post(f"/threads/{thread_id}/state/checkpoint", json=body)
        assert answer.json()["values"] == inner["values"]
    body = {"checkpoint": {"checkpoint_ns": place["checkpoint_ns"]}, "limit": 10}
    history = (await http.post(f"/threads/{thread_id}/history", json=body)).json()
    assert history[0]["checkpoint"] == place


async def test_a_question_inside_a_subgraph_is_answered_again_from_its_place(
    client: LangGraphClient, thread_id: str
) -> None:
    await client.runs.wait(thread_id, "asking_inside", input={"log": ["in"]})
    (task,) = (await client.threads.get_state(thread_id, subgraphs=True))["tasks"]
    inner = task["state"]
    assert inner is not None
    place = inner["checkpoint"]
    for answer in ("yes", "no"):
        values = await client.runs.wait(
            thread_id, "asking_inside", command={"resume": answer}, checkpoint=place
        )
        assert isinstance(values, dict)
        assert [line for line in values["log"] if line.startswith("answer:")] == [
            f"answer:{answer}"
        ]
    ends = [
        state
        for state in await client.threads.get_history(thread_id, limit=20)
        if not state["next"]
    ]
    assert len(ends) == 2


async def test_a_state_names_its_thread_and_what_it_was_made_from(
    client: LangGraphClient, thread_id: str
) -> None:
    await client.runs.wait(thread_id, "probe_async", input=probe_input("A", 0.0))
    older = (await client.threads.get_history(thread_id))[1]["checkpoint"]
    await client.threads.update_state(thread_id, {"log": ["x"]}, checkpoint=older)
    copy = await client.threads.copy(thread_id)
    assert copy is not None
    for each in (thread_id, copy["thread_id"]):
        metadata = (await client.threads.get_state(each))["metadata"]
        assert metadata["thread_id"] == each
        assert metadata["graph_id"] == "probe_async"
        assert metadata["checkpoint_id"] == older["checkpoint_id"]
        found = await client.threads.get_history(each, metadata={"thread_id": each})
        assert found == await client.threads.get_history(each)
        assert await client.threads.get_history(each, metadata={"thread_id": UNKNOWN}) == []


async def test_history_goes_back_from_a_checkpoint_however_it_is_given(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await client.runs.wait(thread_id, "probe_async", input=probe_input("A", 0.0))
    states = await client.threads.get_history(thread_id)
    place = states[0]["checkpoint"]
    earlier = [state["checkpoint"] for state in states[1:]]
    for before in (place["checkpoint_id"], place, {"configurable": place}):
        body = {"before": before, "limit": 10}
        answer = await http.post(f"/threads/{thread_id}/history", json=body)
        assert [state["checkpoint"] for state in answer.json()] == earlier
    found = await client.threads.get_history(thread_id, metadata={"source": "input"})
    assert [state["metadata"]["source"] for state in found] == ["input"]
    for bad in ("{", '{"checkpoint_id": 7}', '{"configurable": 7}'):
        answer = await http.get(f"/threads/{thread_id}/history", params={"before": bad})
        assert answer.status_code == 422


async def test_an_update_as_a_node_that_is_not_there_is_refused(
    client: LangGraphClient, thread_id: str
) -> None:
    await client.runs.wait(thread_id, "probe_async", input=probe_input("A", 0.0))
    with pytest.raises(BadRequestError, match="zzz"):
        await client.threads.update_state(thread_id, {"log": ["x"]}, as_node="zzz")


# -- stream --------------------------------------------------------------------


class Following:
    """A reader of a thread's stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._frames = arriving(response)

    async def next(self, count: int) -> list[Frame]:
        """The next frames that are no heartbeats."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return [await anext(self._frames) for _ in range(count)]

    async def rest(self) -> list[Frame]:
        """The frames up to the end of the stream."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return [frame async for frame in self._frames]


@asynccontextmanager
async def following(
    http: httpx.AsyncClient, thread_id: str, after: str | None = None, **query: Any
) -> AsyncIterator[Following]:
    headers = {"Last-Event-ID": after} if after is not None else {}
    path = f"/threads/{thread_id}/stream"
    async with http.stream("GET", path, params=query, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        yield Following(response)


async def ran(client: LangGraphClient, thread_id: str, **options: Any) -> str:
    run = await client.runs.create(
        thread_id, "noting", input={"log": ["in"]}, stream_mode="updates", **options
    )
    await until_status(client, thread_id, run["run_id"], "success")
    return str(run["run_id"])


def shape(frames: list[Frame]) -> list[tuple[str, Any]]:
    """What matters of frames whose other values a test does not know."""
    return [
        (frame.name, frame.data.get("status", frame.data.get("attempt")))
        if frame.name == "metadata"
        else (frame.name, None)
        for frame in frames
    ]


ONE_RUN = [("metadata", 1), ("updates", None), ("metadata", "run_done")]


async def test_a_threads_stream_goes_on_from_run_to_run(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    async with following(http, thread_id) as reader:
        run_ids = [await ran(client, thread_id), await ran(client, thread_id)]
        frames = await reader.next(6)
    assert shape(frames) == ONE_RUN * 2
    ended = [frame.data["run_id"] for frame in frames if "status" in frame.data]
    assert ended == run_ids
    ids = [frame.id for frame in frames]
    assert None not in ids
    assert len(set(ids)) == 6
    assert reader.response.headers["content-type"] == "text/event-stream; charset=utf-8"


async def test_each_mode_lets_its_own_events_through(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    async with (
        following(http, thread_id, stream_mode="lifecycle") as lifecycle,
        following(http, thread_id, stream_modes="state_update") as updates,
        following(http, thread_id, stream_modes=["run_modes", "state_update"]) as both,
    ):
        await ran(client, thread_id)
        await client.threads.update_state(thread_id, {"log": ["x"]})
        await ran(client, thread_id)
        assert shape(await lifecycle.next(4)) == [ONE_RUN[0], ONE_RUN[2]] * 2
        (update,) = await updates.next(1)
        assert shape(await both.next(7)) == [*ONE_RUN, ("state_update", None), *ONE_RUN]
    assert update.name == "state_update"
    assert update.data["thread_id"] == thread_id
    assert update.data["state"]["values"]["log"][-1] == "x"


async def test_a_reader_that_comes_back_gets_what_it_missed_once(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    async with following(http, thread_id) as reader:
        await ran(client, thread_id)
        first = await reader.next(2)
    missed = await ran(client, thread_id)
    async with following(http, thread_id, after=first[-1].id) as reader:
        await ran(client, thread_id)
        frames = await reader.next(7)
    assert shape(frames) == [ONE_RUN[2], *ONE_RUN * 2]
    assert frames[3].data["run_id"] == missed
    async with following(http, thread_id, after="-") as reader:
        assert shape(await reader.next(9)) == ONE_RUN * 3


async def test_a_reader_that_nobody_knows_any_more_is_told_that_events_may_be_missing(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await ran(client, thread_id)
    async with following(http, thread_id, after="1000-1") as reader:
        await ran(client, thread_id)
        frames = await reader.next(4)
    assert frames[0].data == {"thread_id": thread_id, "status": "events_lost"}
    assert shape(frames[1:]) == ONE_RUN


async def test_the_end_of_a_run_is_told_with_its_reason(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    async with following(http, thread_id, stream_modes="lifecycle") as reader:
        cut = await start(client, thread_id, "probe_async", "A", 30.0)
        await until_in_middle(client, thread_id, cut)
        await client.runs.cancel(thread_id, cut, wait=True)
        frames = await reader.next(3)
    assert [frame.data.get("status") for frame in frames] == [None, "interrupted", "run_done"]
    assert {frame.data["run_id"] for frame in frames} == {cut}


async def test_a_failure_stands_in_the_stream(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    async with following(http, thread_id) as reader:
        await client.runs.wait(thread_id, "failing", input={"log": []}, raise_error=False)
        frames = await reader.next(4)
    assert [frame.name for frame in frames] == ["metadata", "values", "error", "metadata"]
    assert frames[2].data["error"] == "ValueError"


async def test_the_stream_of_a_deleted_thread_ends(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    async with following(http, thread_id) as reader:
        await client.threads.delete(thread_id)
        (last,) = await reader.rest()
    assert last == Frame("error", {"error": "HTTPException", "message": "404: Thread not found"})


@pytest.mark.parametrize(
    ("thread", "query", "headers", "status"),
    [
        (UNKNOWN, {}, {}, 404),
        (None, {"stream_modes": "x"}, {}, 422),
        (None, {}, {"Last-Event-ID": "x"}, 422),
    ],
    ids=["thread", "mode", "id"],
)
async def test_bad_requests_for_a_stream_are_refused(
    http: httpx.AsyncClient,
    thread_id: str,
    thread: str | None,
    query: dict[str, str],
    headers: dict[str, str],
    status: int,
) -> None:
    path = f"/threads/{thread or thread_id}/stream"
    answer = await http.get(path, params=query, headers=headers)
    assert (answer.status_code, answer.json().keys()) == (status, {"detail"})


async def test_the_sdk_joins_a_thread(client: LangGraphClient, thread_id: str) -> None:
    first: asyncio.Future[StreamPart] = asyncio.get_running_loop().create_future()

    async def join() -> None:
        joining: Any = client.threads.join_stream(thread_id, stream_mode="lifecycle")
        async for part in await joining:  # the SDK's type says that it need not be awaited
            first.set_result(part)
            return

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        joined = group.create_task(join())
        while not joined.done():
            await ran(client, thread_id)
    assert first.result().event == "metadata"
