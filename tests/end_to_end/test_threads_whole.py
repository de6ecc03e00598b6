"""Threads on every database: times to live, supersteps, search, count, copies, pruning, storage."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError, UnprocessableEntityError

from harness.history import chain, log_at_rest, marks
from harness.on_each_database import DATABASES, served_on
from harness.processes import Server
from harness.runs import DEADLINE_SECONDS, at_rest, start, until_in_middle, until_status

pytestmark = pytest.mark.end_to_end

SOON = 0.005
"""Minutes that a test can wait for."""
SWEEPS = {"ttl": {"sweep_interval_minutes": SOON}}


@pytest.fixture(scope="module", params=DATABASES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("threads_whole")
    with served_on(request, folder, checkpointer=SWEEPS) as server:
        yield server


async def ran(client: LangGraphClient, thread_id: str, *tokens: str) -> str:
    run_id = ""
    for token in tokens:
        run_id = await start(client, thread_id, "probe_async", token, 0.0)
        await until_status(client, thread_id, run_id, "success")
    return run_id


def step(node: str, *entries: str) -> dict[str, Any]:
    return {"updates": [{"values": {"log": list(entries)}, "as_node": node}]}


# -- create --------------------------------------------------------------------


async def test_supersteps_make_a_history_that_a_run_goes_on_from(client: LangGraphClient) -> None:
    steps = [step("__start__", "a"), step("ask", "b")]
    thread = await client.threads.create(graph_id="approval", supersteps=steps)
    assert (thread["status"], thread["values"]) == ("interrupted", {"log": ["a", "b"]})
    states = await chain(client, thread["thread_id"])
    assert [state["values"]["log"] for state in states][-1] == ["a", "b"]
    assert states[-1]["next"] == ["work"]
    values = await client.runs.wait(thread["thread_id"], "approval", input=None)
    assert isinstance(values, dict)
    assert values["log"] == ["a", "b", "work"]


async def test_a_command_is_an_update_of_a_superstep(client: LangGraphClient) -> None:
    command = {"values": None, "command": {"update": {"log": ["c"]}}, "as_node": "ask"}
    steps = [step("__start__", "a"), {"updates": [command]}]
    thread = await client.threads.create(graph_id="approval", supersteps=steps)
    assert thread["values"] == {"log": ["a", "c"]}


@pytest.mark.parametrize(
    ("metadata", "steps", "status", "said"),
    [
        ({"graph_id": "approval"}, [step("nowhere", "a")], 400, "Node nowhere does not exist"),
        ({}, [step("ask", "a")], 422, "supersteps: give metadata.graph_id"),
        ({"graph_id": "unknown"}, [step("ask", "a")], 404, "Graph 'unknown' not found"),
        ({"graph_id": "approval"}, [{"updates": [{"values": {}}]}], 422, "as_node"),
        ({"graph_id": "approval"}, [{"updates": []}], 422, "supersteps.0.updates"),
        ({"graph_id": "approval"}, [step("__start__", "a"), step("nowhere", "b")], 400, "nowhere"),
    ],
    ids=["node", "graph", "other graph", "as_node", "empty", "second step"],
)
async def test_bad_supersteps_leave_nothing(
    http: httpx.AsyncClient, metadata: Any, steps: Any, status: int, said: str
) -> None:
    thread_id = str(uuid.uuid4())
    body = {"thread_id": thread_id, "metadata": metadata, "supersteps": steps}
    answer = await http.post("/threads", json=body)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert (await http.get(f"/threads/{thread_id}")).status_code == 404
    body = {"thread_id": thread_id, "metadata": {"graph_id": "approval"}}
    assert (await http.post("/threads", json=body)).status_code == 200
    assert (await http.get(f"/threads/{thread_id}/history")).json() == []


async def test_supersteps_of_a_thread_that_is_there_change_nothing(
    client: LangGraphClient, thread_id: str
) -> None:
    same = await client.threads.create(
        thread_id=thread_id,
        if_exists="do_nothing",
        graph_id="approval",
        supersteps=[step("__start__", "a")],
    )
    assert same == await client.threads.get(thread_id)
    assert await client.threads.get_history(thread_id) == []


# -- times to live -------------------------------------------------------------


async def test_a_time_to_live_is_shown_when_asked_for_and_can_be_changed(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    thread_id = (await client.threads.create(ttl=60))["thread_id"]
    plain = (await http.get(f"/threads/{thread_id}")).json()
    shown = (await http.get(f"/threads/{thread_id}", params={"include": "ttl"})).json()
    assert "ttl" not in plain
    assert (shown["ttl"]["strategy"], shown["ttl"]["ttl_minutes"]) == ("delete", 60)
    new: Any = {"ttl": 120, "strategy": "keep_latest"}
    await client.threads.update(thread_id, metadata={}, ttl=new)
    changed = (await http.get(f"/threads/{thread_id}", params={"include": "ttl"})).json()["ttl"]
    assert (changed["strategy"], changed["ttl_minutes"]) == ("keep_latest", 120)
    assert changed["expires_at"] > shown["ttl"]["expires_at"]


@pytest.mark.parametrize("ttl", [5, {"ttl": 0}, {"ttl": -1}, {"ttl": "x"}, {}, {"ttl": 1e12}])
async def test_a_bad_time_to_live_is_refused(http: httpx.AsyncClient, ttl: Any) -> None:
    answer = await http.post("/threads", json={"ttl": ttl})
    assert (answer.status_code, answer.json()["detail"].startswith("ttl")) == (422, True)


async def test_what_has_outlived_its_time_goes_and_nothing_else(client: LangGraphClient) -> None:
    kept = (await client.threads.create(ttl=60))["thread_id"]
    latest: Any = {"ttl": SOON, "strategy": "keep_latest"}
    pruned = (await client.threads.create())["thread_id"]
    run_id = await ran(client, pruned, "A", "B")
    await client.threads.update(pruned, metadata={}, ttl=latest)
    deleted = (await client.threads.create(ttl=SOON))["thread_id"]
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await _is_there(client, deleted):
            await asyncio.sleep(0.02)
        while len(await client.threads.get_history(pruned)) > 1:
            await asyncio.sleep(0.02)
    assert await log_at_rest(client, pruned, run_id) == marks("A") + marks("B")
    assert await _is_there(client, kept)


async def _is_there(client: LangGraphClient, thread_id: str) -> bool:
    try:
        await client.threads.get(thread_id)
    except NotFoundError:
        return False
    return True


async def test_a_patch_may_ask_for_no_answer(client: LangGraphClient, thread_id: str) -> None:
    none = await client.threads.update(thread_id, metadata={"a": 1}, return_minimal=True)
    assert none is None
    assert (await client.threads.get(thread_id))["metadata"] == {"a": 1}


async def test_what_cannot_be_included_is_refused(http: httpx.AsyncClient, thread_id: str) -> None:
    answer = await http.get(f"/threads/{thread_id}", params={"include": "ttl,colour"})
    assert (answer.status_code, "colour" in answer.json()["detail"]) == (422, True)


# -- search --------------------------------------------------------------------


async def test_a_search_takes_out_what_it_is_asked_for(
    client: LangGraphClient, thread_id: str
) -> None:
    await ran(client, thread_id, "A")
    (found,) = await client.threads.search(
        ids=[thread_id],
        select=["thread_id"],
        extract={
            "first": "values.log[0]",
            "last": "values.log[-1]",
            "none": "values.log[99].x",
            "graph": "metadata.graph_id",
            "whole": "values",
        },
    )
    extracted = found["extracted"]
    whole = extracted.pop("whole")
    assert extracted == {"first": "A:input", "last": "A:last", "none": None, "graph": "probe_async"}
    assert whole["log"] == marks("A")
    assert found.keys() == {"thread_id", "extracted"}


@pytest.mark.parametrize(
    "extract",
    [
        {"x": "foo.bar"},
        {"a b": "values"},
        {"x": "values.log[*]"},
        {"x": 3},
        {f"x{n}": "values" for n in range(11)},
    ],
    ids=["root", "alias", "path", "type", "too many"],
)
async def test_a_bad_extract_is_refused(http: httpx.AsyncClient, extract: Any) -> None:
    answer = await http.post("/threads/search", json={"extract": extract})
    assert (answer.status_code, "xtract" in answer.json()["detail"]) == (422, True)


async def test_threads_are_counted(client: LangGraphClient, http: httpx.AsyncClient) -> None:
    mark = str(uuid.uuid4())
    made = [await client.threads.create(metadata={"mark": mark}) for _ in range(3)]
    await ran(client, made[0]["thread_id"], "A")
    assert await client.threads.count(metadata={"mark": mark}) == 3
    assert await client.threads.count(metadata={"mark": mark}, status="busy") == 0
    assert await client.threads.count(metadata={"mark": mark}, values={"token": "A"}) == 1
    body = {"ids": [made[1]["thread_id"]]}
    assert (await http.post("/threads/count", json=body)).json() == 1
    pages = await http.post("/threads/search", json={"metadata": {"mark": mark}, "limit": 2})
    assert pages.headers["x-pagination-total"] == "3"
    assert pages.headers["x-pagination-next"] == "2"
    with pytest.raises(UnprocessableEntityError):
        await client.threads.search(limit=1001)


# -- copy ----------------------------------------------------------------------


async def test_a_copy_has_the_history_and_goes_its_own_way(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await ran(client, thread_id, "A", "B")
    answer = await http.post(f"/threads/{thread_id}/copy")
    copy = answer.json()
    original = await client.threads.get(thread_id)
    same = ("metadata", "values", "status", "interrupts")
    assert [copy[name] for name in same] == [original[name] for name in same]  # type: ignore[literal-required]
    copied, states = await chain(client, copy["thread_id"]), await chain(client, thread_id)
    assert [state["values"] for state in copied] == [state["values"] for state in states]
    assert await client.runs.list(copy["thread_id"]) == []
    await client.runs.delete(thread_id, run_id)
    newest = await ran(client, copy["thread_id"], "C")
    log = await log_at_rest(client, copy["thread_id"], newest)
    assert log == marks("A") + marks("B") + marks("C")
    assert (await client.threads.get_state(thread_id))["values"]["log"] == marks("A")


async def test_a_copy_of_a_question_can_be_answered_too(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await client.runs.wait(thread_id, "approval", input={"log": ["in"]})
    copy = (await http.post(f"/threads/{thread_id}/copy")).json()
    assert (copy["status"], len(copy["interrupts"])) == ("interrupted", 1)
    for each, word in ((copy["thread_id"], "copied"), (thread_id, "first")):
        answered = await client.runs.wait(each, "approval", command={"resume": word})
        assert isinstance(answered, dict)
        assert answered["log"] == ["in", f"answer:{word}", "work"]


async def test_a_busy_thread_is_copied_as_it_stands(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await ran(client, thread_id, "A")
    run_id = await start(client, thread_id, "probe_async", "B", 1.0)
    await until_in_middle(client, thread_id, run_id)
    copy = (await http.post(f"/threads/{thread_id}/copy")).json()
    assert copy["status"] == "interrupted"
    state = await client.threads.get_state(copy["thread_id"])
    assert copy["values"] == state["values"]
    assert state["values"]["log"] == marks("A") + marks("B", "input", "first")
    await until_status(client, thread_id, run_id, "success")
    await at_rest(client, thread_id)
    assert (await client.threads.get_state(copy["thread_id"]))["values"] == state["values"]


async def test_a_missing_thread_cannot_be_copied(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"/threads/{uuid.uuid4()}/copy")
    assert (answer.status_code, answer.json()["detail"][:8]) == (409, "Conflict")


# -- prune, storage ------------------------------------------------------------


async def test_pruning_keeps_where_threads_stand_or_nothing(
    client: LangGraphClient, thread_id: str
) -> None:
    run_id = await ran(client, thread_id, "A", "B")
    other = (await client.threads.create())["thread_id"]
    unknown = str(uuid.uuid4())
    pruned = await client.threads.prune([thread_id, unknown], strategy="keep_latest")
    assert pruned == {"pruned_count": 1}
    (state,) = await chain(client, thread_id)
    assert state["values"]["log"] == await log_at_rest(client, thread_id, run_id)
    newest = await ran(client, thread_id, "C")
    assert (await log_at_rest(client, thread_id, newest))[-4:] == marks("C")
    assert await client.threads.prune([other, other, unknown]) == {"pruned_count": 1}
    assert not await _is_there(client, other)


async def test_the_bytes_of_a_thread_are_counted(
    http: httpx.AsyncClient, client: LangGraphClient, thread_id: str
) -> None:
    empty = (await http.get(f"/threads/{thread_id}/storage")).json()
    await ran(client, thread_id, "A")
    stored = (await http.get(f"/threads/{thread_id}/storage")).json()
    assert (empty["thread_id"], empty["total_bytes"]) == (thread_id, 0)
    assert stored["checkpoints"]["count"] == len(await chain(client, thread_id))
    parts = [stored[name] for name in ("checkpoints", "channel_values", "pending_writes")]
    assert stored["total_bytes"] == sum(part["bytes"] for part in parts) > 0
    channels = stored["channel_values"]["by_channel"].values()
    assert stored["channel_values"]["count"] == sum(each["versions"] for each in channels)
    assert (await http.get(f"/threads/{uuid.uuid4()}/storage")).status_code == 404
