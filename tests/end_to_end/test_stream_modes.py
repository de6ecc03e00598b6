"""Every stream mode, with and without subgraphs, and what questions look like in each."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.frames import Frame, arriving, named, stream_of
from harness.history import marks
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.runs import probe_input, start, status_or_gone, until_status

pytestmark = pytest.mark.end_to_end

CHILD = re.compile(r"\|child:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("stream_modes") / "data"
    environment = {"OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5"}
    with started_server(data_dir, config=TEST_GRAPHS, environment=environment) as server:
        yield server


async def streamed(
    http: httpx.AsyncClient, thread_id: str, graph: str, mode: Any, **options: Any
) -> list[Frame]:
    body = {"assistant_id": graph, "input": {"log": []}, "stream_mode": mode, **options}
    frames = await stream_of(http, "POST", f"/threads/{thread_id}/runs/stream", json=body)
    assert frames[0].name == "metadata"
    return frames[1:]


def shape(frames: list[Frame]) -> list[str]:
    """The names of the events, a subgraph's task as `child:*`."""
    return [CHILD.sub("|child:*", frame.name) for frame in frames]


@pytest.mark.parametrize(
    ("mode", "alone", "with_subgraphs"),
    [
        ("values", 3, 2),
        ("updates", 2, 1),
        ("custom", 1, 1),
        ("tasks", 4, 2),
        ("checkpoints", 4, 3),
        ("debug", 8, 5),
    ],
)
async def test_subgraphs_are_streamed_under_their_names_when_asked_for(
    http: httpx.AsyncClient, thread_id: str, mode: str, alone: int, with_subgraphs: int
) -> None:
    frames = await streamed(http, thread_id, "outer", mode)
    assert shape(frames) == [mode] * alone
    frames = await streamed(http, thread_id, "outer", mode, stream_subgraphs=True)
    names = shape(frames)
    assert (names.count(mode), names.count(f"{mode}|child:*")) == (alone, with_subgraphs)
    assert len(names) == alone + with_subgraphs
    assert len({frame.name for frame in frames}) == 2


# -- events --------------------------------------------------------------------


def told(frames: list[Frame]) -> list[tuple[str, str]]:
    return [(event["event"], event["name"]) for event in named(frames, "events")]


async def test_events_tell_what_happens_inside(http: httpx.AsyncClient, thread_id: str) -> None:
    frames = await streamed(http, thread_id, "outer", "events")
    assert {frame.name for frame in frames} == {"events"}
    chain = told(frames)
    assert chain[0] == ("on_chain_start", "outer")
    assert chain[-1] == ("on_chain_end", "outer")
    assert ("on_chain_stream", "outer") not in chain  # those are what other modes stream
    assert [kind for kind, name in chain if name == "child"] == [
        "on_chain_start",
        "on_chain_stream",
        "on_chain_end",
    ]
    first, last = frames[0].data, frames[-1].data
    assert first["data"]["input"] == {"log": []}
    assert last["data"]["output"]["log"] == ["outer", "outer", "inner"]
    assert first["run_id"] == last["run_id"]
    assert first["metadata"]["graph_id"] == "outer"


async def test_events_of_a_model_hold_its_words(http: httpx.AsyncClient, thread_id: str) -> None:
    given = {"messages": [{"role": "user", "content": "hi"}]}
    frames = await streamed(http, thread_id, "chat", "events", input=given)
    events = named(frames, "events")
    words = [e["data"]["chunk"] for e in events if e["event"] == "on_chat_model_stream"]
    assert "".join(word["content"] for word in words) == "one two three"
    assert {word["type"] for word in words} == {"AIMessageChunk"}
    (end,) = [e for e in events if e["event"] == "on_chat_model_end"]
    assert end["data"]["output"]["content"] == "one two three"


async def test_events_come_between_the_frames_of_other_modes(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    modes = ["events", "values", "updates", "custom"]
    frames = await streamed(http, thread_id, "outer", modes, stream_subgraphs=True)
    names = shape(frames)
    others = [name for name in names if name != "events"]
    assert others == shape(
        await streamed(http, thread_id, "outer", modes[1:], stream_subgraphs=True)
    )
    assert (names[0], names[-1]) == ("events", "events")
    assert "updates|child:*" in names


async def test_events_of_a_graph_that_fails_end_with_its_error(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    frames = await streamed(http, thread_id, "failing", "events")
    assert told(frames) == [("on_chain_start", "failing"), ("on_chain_start", "fail")]
    assert frames[-1].name == "error"
    assert frames[-1].data["error"] == "ValueError"


@pytest.mark.parametrize("strategy", ["interrupt", "rollback"])
async def test_a_run_that_streams_events_is_cut_like_others(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, strategy: Any
) -> None:
    body = {
        "assistant_id": "probe_async",
        "input": probe_input("V", 30.0),
        "stream_mode": ["events", "updates"],
    }
    async with http.stream("POST", f"/threads/{thread_id}/runs/stream", json=body) as response:
        frames = arriving(response)
        first = await anext(frames)
        async for frame in frames:
            if frame.name == "updates" and "first" in frame.data:
                break
        newcomer = await start(
            client, thread_id, "probe_async", "N", 0.0, multitask_strategy=strategy
        )
        rest = [frame async for frame in frames]
    await until_status(client, thread_id, newcomer, "success")
    victim = first.data["run_id"]
    ended = await status_or_gone(client, thread_id, victim)
    assert ended == ("interrupted" if strategy == "interrupt" else "gone")
    assert rest[-1].name == "metadata"
    assert rest[-1].data["status"] == ("interrupted" if strategy == "interrupt" else "rolled_back")
    log = (await client.threads.get_state(thread_id))["values"]["log"]
    kept = marks("V", "input", "first") if strategy == "interrupt" else []
    assert log == kept + marks("N")


# -- questions -----------------------------------------------------------------


def questions(frames: list[Frame], name: str) -> list[Any]:
    data = named(frames, name)[-1]
    interrupts = data["interrupts"] if name == "tasks" else data["__interrupt__"]
    return [each["value"] for each in interrupts]


@pytest.mark.parametrize("mode", ["values", "updates", "tasks"])
async def test_a_question_is_shown_with_its_id(
    http: httpx.AsyncClient, thread_id: str, mode: str
) -> None:
    frames = await streamed(http, thread_id, "approval", mode)
    assert questions(frames, mode) == [{"question": "go on?"}]
    data = frames[-1].data
    (question,) = data["interrupts"] if mode == "tasks" else data["__interrupt__"]
    assert list(question) == ["value", "id", "response_schema"]


async def test_a_question_is_not_shown_to_modes_that_have_no_place_for_it(
    http: httpx.AsyncClient, thread_id: str
) -> None:
    frames = await streamed(http, thread_id, "approval", ["messages-tuple", "custom"])
    assert frames == []
    frames = await streamed(http, thread_id, "approval", "events")
    assert told(frames) == [
        ("on_chain_start", "approval"),
        ("on_chain_start", "ask"),
        ("on_chain_end", "approval"),
    ]


@pytest.mark.parametrize(
    ("options", "updates"),
    [
        ({"interrupt_before": ["step"]}, [{"__interrupt__": []}]),
        ({"interrupt_before": "*"}, [{"__interrupt__": []}]),
        ({"interrupt_after": ["step"]}, [{"step": {"log": ["outer"]}}, {"__interrupt__": []}]),
    ],
)
async def test_a_stop_before_or_after_a_node_is_shown(
    http: httpx.AsyncClient, thread_id: str, options: Any, updates: Any
) -> None:
    frames = await streamed(http, thread_id, "outer", ["updates", "values"], **options)
    assert named(frames, "updates") == updates
    state = (await http.get(f"/threads/{thread_id}/state")).json()
    assert state["next"] == (["step"] if "interrupt_before" in options else ["child"])


async def test_an_update_may_be_a_list_of_pairs(http: httpx.AsyncClient, thread_id: str) -> None:
    await streamed(http, thread_id, "outer", "values")
    body = {"assistant_id": "outer", "command": {"update": [["log", ["a"]], ["log", ["b"]]]}}
    answer = await http.post(f"/threads/{thread_id}/runs/wait", json=body)
    assert answer.json()["log"][-2:] == ["a", "b"]
