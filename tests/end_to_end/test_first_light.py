"""The first ten minutes of a new user: `outrigger up`, the example assistant, the official SDK."""

import asyncio
import json
import shlex
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from functools import reduce
from operator import add
from typing import Any, cast

import httpx
import pytest
from langchain_core.messages import AIMessageChunk
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError
from langgraph_sdk.schema import StreamPart

from harness.frames import stream_of
from harness.metrics_page import (
    MetricsPage,
    Values,
    labelled,
    read_metrics,
    until_grown,
)
from harness.processes import TASK_MAISTRO, Server, started_server
from harness.slots import logged, until_logged

pytestmark = pytest.mark.end_to_end

GRAPH = "task_maistro"
TOKENS_PER_SECOND = 200
LONG = "count to 300"
LONG_ANSWER = " ".join(str(number) for number in range(1, 301))
ANNOUNCED = ("Server ", "Sidecar ", "Graphs ", "Try ", "Stop ")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("first_light") / "data"
    pace = {"OUTRIGGER_MODEL_TOKENS_PER_SECOND": str(TOKENS_PER_SECOND)}
    with started_server(data_dir, config=TASK_MAISTRO, sidecar=True, environment=pace) as server:
        yield server


@pytest.fixture
def before(server: Server) -> MetricsPage:
    """The metrics before the test: whatever grows after it is the test's doing."""
    return read_metrics(server.sidecar_url)


def saying(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def of_user(user: str) -> dict[str, Any]:
    return {"configurable": {"user_id": user}}


def spoken(state: Any) -> list[tuple[str, str]]:
    """The conversation: who said what."""
    return [(said["type"], said["content"]) for said in state["values"]["messages"]]


async def parts_of(
    client: LangGraphClient, thread_id: str, text: str, **options: Any
) -> list[StreamPart]:
    stream = client.runs.stream(
        thread_id, GRAPH, input=saying(text), stream_mode="messages-tuple", **options
    )
    return [part async for part in stream]


async def test_a_new_user_sees_the_answer_token_by_token(
    client: LangGraphClient, thread_id: str
) -> None:
    parts = await parts_of(client, thread_id, "add task buy milk", config=of_user("new"))
    assert parts[0].event == "metadata"
    assert {part.event for part in parts[1:]} == {"messages"}
    messages = [part.data[0] for part in parts[1:]]
    chunks = [AIMessageChunk(**each) for each in messages if each["type"] == "AIMessageChunk"]
    ids = list(dict.fromkeys(chunk.id for chunk in chunks))
    asking, answering = ([chunk for chunk in chunks if chunk.id == each] for each in ids)
    (call,) = reduce(add, asking).tool_calls
    assert (call["name"], call["args"]) == ("add_todo", {"title": "buy milk"})
    assert len(answering) >= 5
    assert "".join(str(chunk.content) for chunk in answering) == "Done. Added task 1: buy milk."
    assert chunks[-1].chunk_position == "last"
    assert all(part.data[1]["langgraph_node"] for part in parts[1:])


async def test_todos_survive_across_the_threads_of_one_user(client: LangGraphClient) -> None:
    first, second, other = [(await client.threads.create())["thread_id"] for _ in range(3)]
    for thread_id, text, user in (
        (first, "add task water the plants", "ada"),
        (second, "list my tasks", "ada"),
        (other, "list my tasks", "bob"),
    ):
        await client.runs.wait(thread_id, GRAPH, input=saying(text), config=of_user(user))
    assert "water the plants" in spoken(await client.threads.get_state(second))[-1][1]
    assert "water the plants" not in spoken(await client.threads.get_state(other))[-1][1]


async def test_the_command_it_suggests_works(server: Server, http: httpx.AsyncClient) -> None:
    (line,) = [text for text in server.log.read_text().splitlines() if text.startswith("Try ")]
    words = shlex.split(line)
    assert words[-2] == "-d"
    suggested = json.loads(words[-1])
    thread_id = (await http.post("/threads", json={})).json()["thread_id"]
    answer = await http.post(f"/threads/{thread_id}/runs/wait", json=suggested)
    assert "buy milk" in answer.json()["messages"][-1]["content"]


class Streaming:
    """A long answer that is being streamed to somebody."""

    def __init__(self, client: LangGraphClient, thread_id: str) -> None:
        self.run_id = ""
        self.parts: list[StreamPart] = []
        self._begun = asyncio.Event()
        self.reading = asyncio.ensure_future(self._read(client, thread_id))

    async def _read(self, client: LangGraphClient, thread_id: str) -> None:
        stream = client.runs.stream(
            thread_id, GRAPH, input=saying(LONG), stream_mode="messages-tuple"
        )
        async with aclosing(cast("AsyncGenerator[StreamPart, None]", stream)) as parts:
            async for part in parts:
                self.parts.append(part)
                if part.event == "messages":
                    self._begun.set()
                else:
                    self.run_id = self.run_id or part.data["run_id"]

    async def has_begun(self) -> None:
        """Return once a token of the answer has arrived."""
        async with asyncio.timeout(20):
            await self._begun.wait()

    async def end(self) -> StreamPart:
        """The last thing its reader got."""
        async with asyncio.timeout(20):
            await self.reading
        return self.parts[-1]


DOUBLE_TEXTS: dict[str, tuple[str, Values]] = {
    "reject": ("rejected", {("enqueue", "success"): 1}),
    "enqueue": ("enqueued", {("enqueue", "success"): 2}),
    "interrupt": ("interrupted", {("enqueue", "interrupted"): 1, ("interrupt", "success"): 1}),
    "rollback": ("rolled_back", {("enqueue", "rolled_back"): 1, ("rollback", "success"): 1}),
}
CONVERSATIONS = {
    "reject": [("human", LONG), ("ai", LONG_ANSWER)],
    "enqueue": [("human", LONG), ("ai", LONG_ANSWER), ("human", "calculate 2+3")],
    "interrupt": [("human", LONG), ("human", "calculate 2+3")],
    "rollback": [("human", "calculate 2+3")],
}


@pytest.mark.parametrize("strategy", DOUBLE_TEXTS)
async def test_a_second_message_while_the_first_streams_does_as_its_strategy_says(
    server: Server, client: LangGraphClient, thread_id: str, before: MetricsPage, strategy: str
) -> None:
    first = Streaming(client, thread_id)
    await first.has_begun()
    second = {"input": saying("calculate 2+3"), "multitask_strategy": strategy}
    if strategy == "reject":
        with pytest.raises(ConflictError):
            await client.runs.create(thread_id, GRAPH, **second)
    else:
        values = await client.runs.wait(thread_id, GRAPH, **second)
        assert values["messages"][-1]["content"] == "The result: 2+3 = 5."
    last = await first.end()

    heard = "".join(part.data[0]["content"] for part in first.parts if part.event == "messages")
    if strategy in {"reject", "enqueue"}:
        assert heard == LONG_ANSWER
    else:
        assert len(heard) < len(LONG_ANSWER)
        newer = (await client.runs.list(thread_id))[0]["run_id"]
        result = DOUBLE_TEXTS[strategy][0]
        said = {"run_id": first.run_id, "status": result, "superseded_by": newer}
        assert (last.event, last.data) == ("metadata", said)
    said_first = CONVERSATIONS[strategy]
    assert spoken(await client.threads.get_state(thread_id))[: len(said_first)] == said_first
    if strategy == "rollback":
        with pytest.raises(NotFoundError):
            await client.runs.get(thread_id, first.run_id)

    result, outcomes = DOUBLE_TEXTS[strategy]
    counted = {labelled(strategy=strategy, result=result): 1.0}
    await until_grown(server, before, "langgraph_double_text_total", counted)
    finished = {
        labelled(assistant=GRAPH, multitask_strategy=each, outcome=outcome): float(count)
        for (each, outcome), count in outcomes.items()
    }
    await until_grown(server, before, "langgraph_runs_finished_total", finished)


async def test_metrics_count_exactly_what_happened(
    server: Server, http: httpx.AsyncClient, before: MetricsPage
) -> None:
    thread_id = (await http.post("/threads", json={})).json()["thread_id"]
    body = {"assistant_id": GRAPH, "input": saying("hello"), "stream_mode": ["messages-tuple"]}
    frames = await stream_of(http, "POST", f"/threads/{thread_id}/runs/stream", json=body)
    assert (await http.get("/nowhere")).status_code == 404

    requests = {
        labelled(method="POST", route="/threads", status_class="2xx"): 1.0,
        labelled(method="POST", route="/threads/{thread_id}/runs/stream", status_class="2xx"): 1.0,
        labelled(method="GET", route="__unmatched__", status_class="4xx"): 1.0,
    }
    page = await until_counted(server, before, requests)
    run = {"assistant": GRAPH, "multitask_strategy": "enqueue"}
    messages = [frame for frame in frames if frame.name == "messages"]
    assert page.growth(before, "langgraph_runs_created_total") == {labelled(**run, source="api"): 1}
    assert page.growth(before, "langgraph_runs_finished_total") == {
        labelled(**run, outcome="success"): 1
    }
    assert page.growth(before, "langgraph_run_attempts_total") == {
        labelled(assistant=GRAPH, reason="first"): 1
    }
    assert page.growth(before, "langgraph_double_text_total") == {}
    assert page.growth(before, "langgraph_stream_events_total") == {
        labelled(mode="other"): 1,  # the run's metadata
        labelled(mode="messages"): len(messages),
    }
    assert page.growth(before, "langgraph_stream_closed_total") == {
        labelled(reason="done", on_disconnect="continue"): 1
    }
    assert page.growth(before, "langgraph_stream_first_event_seconds_count") == {
        labelled(assistant=GRAPH, mode="messages"): 1
    }


async def until_counted(server: Server, before: MetricsPage, requests: Values) -> MetricsPage:
    """Return the page once these requests are counted, beside those of the sidecar's probe."""
    name = "http_server_request_duration_seconds_count"
    async with asyncio.timeout(10):
        while True:
            page = await asyncio.to_thread(read_metrics, server.sidecar_url)
            grown = page.growth(before, name)
            grown.pop(labelled(method="GET", route="/ok", status_class="2xx"), None)
            if len(grown) >= len(requests):
                assert grown == requests
                return page
            await asyncio.sleep(0.05)


async def test_an_open_stream_is_shown_under_its_mode(
    server: Server, client: LangGraphClient, thread_id: str, before: MetricsPage
) -> None:
    first = Streaming(client, thread_id)
    await first.has_begun()
    page = await asyncio.to_thread(read_metrics, server.sidecar_url)
    await client.runs.cancel(thread_id, first.run_id)
    await first.end()
    assert page.growth(before, "langgraph_streams_active") == {labelled(mode="messages-tuple"): 1}
    await until_grown(server, before, "langgraph_streams_active", {})


async def test_the_sidecar_calls_the_new_server_healthy(server: Server) -> None:
    async with asyncio.timeout(10), httpx.AsyncClient(verify=False) as http:
        while (await http.get(f"{server.sidecar_url}/startupz")).status_code != 200:
            await asyncio.sleep(0.05)
        # Without the checks of a machine that runs other tests beside this one.
        ours = {"exclude": "cpu,memory,disk"}
        health = await http.get(f"{server.sidecar_url}/health", params=ours)
    assert (health.status_code, health.json()["status"]) == (200, "healthy")
    states = {name: check["status"] for name, check in health.json()["checks"].items()}
    assert set(states.values()) <= {"ok", "off"}
    assert {"server", "database", "workers", "queue"} <= states.keys()


async def test_every_request_and_every_run_leaves_one_line(
    server: Server, http: httpx.AsyncClient
) -> None:
    thread_id = (await http.post("/threads", json={})).json()["thread_id"]
    await stream_of(
        http,
        "POST",
        f"/threads/{thread_id}/runs/stream",
        json={"assistant_id": GRAPH, "input": saying("a secret that is nobody's business")},
        headers={"x-request-id": "first light"},
    )
    (run,) = (await http.get(f"/threads/{thread_id}/runs")).json()
    await until_logged(server, "request", request_id="first light")
    (access,) = logged(server, "request", request_id="first light")
    assert (access["method"], access["route"], access["status"]) == (
        "POST",
        "/threads/{thread_id}/runs/stream",
        200,
    )
    assert access["duration_ms"] >= access["first_byte_ms"] > 0
    assert access["bytes"] > 0
    assert "client_left" not in access
    (line,) = logged(server, "run_finished", run_id=run["run_id"])
    bound = ("thread_id", "assistant_id", "graph_id", "attempt", "request_id", "outcome")
    assert [line[name] for name in bound] == [
        thread_id,
        run["assistant_id"],
        GRAPH,
        1,
        "first light",
        "success",
    ]
    assert line["events"] > 0
    for text in server.log.read_text().splitlines():
        assert "nobody's business" not in text
        if text and not text.startswith(ANNOUNCED):
            said = json.loads(text)
            assert {"timestamp", "level", "event", "logger", "service"} <= said.keys()
