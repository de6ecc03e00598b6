"""Threads and assistants: create, find, change, and read or change a thread's state."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError

from harness.history import WHOLE, chain, log_at_rest, marks
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.runs import at_rest, probe_input, start, until_in_middle, until_status

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("thread_requests") / "data"
    with started_server(data_dir, config=TEST_GRAPHS) as server:
        yield server


async def run_twice(client: LangGraphClient, thread_id: str) -> list[str]:
    run_ids = []
    for token in "AB":
        run_ids.append(await start(client, thread_id, "probe_async", token, 0.0))
        await until_status(client, thread_id, run_ids[-1], "success")
    return run_ids


async def test_a_new_thread_is_idle_and_empty(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    thread_id = str(uuid.uuid4())
    answer = await http.post("/threads", json={"thread_id": thread_id, "metadata": {"a": 1}})
    thread = answer.json()
    assert answer.status_code == 200
    assert thread == await client.threads.get(thread_id)
    assert thread["thread_id"] == thread_id
    assert (thread["status"], thread["values"], thread["metadata"]) == ("idle", None, {"a": 1})
    assert not thread.keys() & {"error", "interrupts"}
    state = await client.threads.get_state(thread_id)
    assert (state["values"], state["next"], state["checkpoint"]) == ({}, [], None)
    assert await client.threads.get_history(thread_id) == []


async def test_a_thread_is_made_once(client: LangGraphClient, http: httpx.AsyncClient) -> None:
    thread_id = str(uuid.uuid4())
    first = await client.threads.create(thread_id=thread_id, metadata={"a": 1})
    again = await http.post("/threads", json={"thread_id": thread_id})
    assert again.status_code == 409
    assert again.json() == {"detail": f"Thread with ID {thread_id} already exists"}
    same = await client.threads.create(
        thread_id=thread_id, metadata={"a": 2}, if_exists="do_nothing"
    )
    assert same == first


async def test_a_run_makes_its_thread_when_asked_to(client: LangGraphClient) -> None:
    thread_id = str(uuid.uuid4())
    run_id = await start(client, thread_id, "probe_async", "T", 0.0, if_not_exists="create")
    await until_status(client, thread_id, run_id, "success")
    assert await log_at_rest(client, thread_id, run_id) == marks("T")


async def test_patched_metadata_is_merged(client: LangGraphClient) -> None:
    thread = await client.threads.create(metadata={"a": 1, "b": 1})
    await client.threads.update(thread["thread_id"], metadata={"b": 2, "c": 2})
    shown = await client.threads.get(thread["thread_id"])
    assert shown["metadata"] == {"a": 1, "b": 2, "c": 2}


async def test_a_deleted_thread_is_gone_with_its_history(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await run_twice(client, thread_id)
    assert (await http.delete(f"/threads/{thread_id}")).status_code == 204
    for path in ("", "/state", "/history", "/runs"):
        answer = await http.get(f"/threads/{thread_id}{path}")
        assert answer.status_code == 404
        assert answer.json() == {"detail": f"Thread with ID {thread_id} not found"}
    assert (await http.delete(f"/threads/{thread_id}")).status_code == 404


async def test_threads_are_searched_by_pages_with_true_totals(http: httpx.AsyncClient) -> None:
    group = str(uuid.uuid4())
    made = []
    for _ in range(3):
        body = {"metadata": {"group": group}}
        made.append((await http.post("/threads", json=body)).json()["thread_id"])

    async def page(**query: Any) -> tuple[list[str], httpx.Headers]:
        body = {"metadata": {"group": group}, **query}
        answer = await http.post("/threads/search", json=body)
        assert answer.status_code == 200
        return [thread["thread_id"] for thread in answer.json()], answer.headers

    found, headers = await page(limit=2)
    assert found == made[:0:-1]
    assert (headers["x-pagination-total"], headers["x-pagination-next"]) == ("3", "2")
    found, headers = await page(limit=2, offset=2)
    assert found == made[:1]
    assert headers["x-pagination-total"] == "3"
    assert "x-pagination-next" not in headers
    assert (await page(sort_by="created_at", sort_order="asc"))[0] == made
    assert (await page(ids=made[1:2]))[0] == made[1:2]
    assert (await page(status="busy"))[0] == []


async def test_threads_are_found_by_values_and_by_status(client: LangGraphClient) -> None:
    token = str(uuid.uuid4())
    thread = await client.threads.create()
    given = probe_input(token, 0.0, ask=True)
    await client.runs.wait(thread["thread_id"], "probe_async", input=given)
    found = await client.threads.search(values={"token": token})
    assert [each["thread_id"] for each in found] == [thread["thread_id"]]
    found = await client.threads.search(values={"token": token}, status="interrupted")
    assert [each["thread_id"] for each in found] == [thread["thread_id"]]
    assert await client.threads.search(values={"token": token}, status="idle") == []


async def test_a_state_can_be_read_at_any_checkpoint(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await run_twice(client, thread_id)
    for state in await chain(client, thread_id):
        there = {"checkpoint_id": state["checkpoint"]["checkpoint_id"]}
        by_path = await http.get(f"/threads/{thread_id}/state/{there['checkpoint_id']}")
        by_body = await http.post(
            f"/threads/{thread_id}/state/checkpoint", json={"checkpoint": there}
        )
        assert by_path.json() == by_body.json()
        assert by_path.json()["values"] == state["values"]
        assert by_path.json()["checkpoint"] == state["checkpoint"]


async def test_a_state_update_is_a_checkpoint_of_its_own(
    client: LangGraphClient, thread_id: str
) -> None:
    await run_twice(client, thread_id)
    before = await chain(client, thread_id)
    answer = await client.threads.update_state(thread_id, {"log": ["by hand"]})
    states = await chain(client, thread_id)
    assert len(states) == len(before) + 1
    assert answer["checkpoint"]["checkpoint_id"] == states[-1]["checkpoint"]["checkpoint_id"]
    assert states[-1]["metadata"]["source"] == "update"
    expected = marks("A") + marks("B") + ["by hand"]
    assert states[-1]["values"]["log"] == expected
    thread = await client.threads.get(thread_id)
    assert (thread["status"], thread["values"]["log"]) == ("idle", expected)


async def test_a_state_update_as_a_node_goes_on_behind_it(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await run_twice(client, thread_id)
    await client.threads.update_state(thread_id, {"log": ["by hand"]}, as_node="middle")
    assert (await client.threads.get_state(thread_id))["next"] == ["last"]
    assert (await client.threads.get(thread_id))["status"] == "interrupted"
    going_on = await start(client, thread_id, "probe_async", "B", input=None)
    await until_status(client, thread_id, going_on, "success")
    expected = [*marks("A"), *marks("B"), "by hand", "B:last"]
    assert await log_at_rest(client, thread_id, going_on) == expected
    path = f"/threads/{thread_id}/state"
    refused = await http.post(path, json={"values": {}, "as_node": "nowhere"})
    assert (refused.status_code, refused.json()) == (400, {"detail": "Node nowhere does not exist"})


async def test_a_state_update_of_a_busy_thread_is_refused_and_writes_nothing(
    client: LangGraphClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", 0.5)
    await until_in_middle(client, thread_id, run_id)
    with pytest.raises(ConflictError):
        await client.threads.update_state(thread_id, {"log": ["by hand"]})
    await until_status(client, thread_id, run_id, "success")
    assert await log_at_rest(client, thread_id, run_id) == marks("T")


async def test_a_state_update_needs_a_graph(http: httpx.AsyncClient, thread_id: str) -> None:
    answer = await http.post(f"/threads/{thread_id}/state", json={"values": {"log": ["x"]}})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"Thread '{thread_id}' has no assigned graph ID.")


async def test_a_history_is_limited_and_goes_on_before_a_checkpoint(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    await run_twice(client, thread_id)
    whole = await client.threads.get_history(thread_id, limit=WHOLE)
    assert len(whole) == 10
    assert await client.threads.get_history(thread_id, limit=3) == whole[:3]
    last: dict[str, Any] = dict(whole[2]["checkpoint"])
    path = f"/threads/{thread_id}/history"
    for before in (last["checkpoint_id"], last, {"configurable": last}):
        answer = await http.post(path, json={"limit": 3, "before": before})
        assert answer.json() == whole[3:6]
    query = {"limit": "3", "before": last["checkpoint_id"]}
    assert (await http.get(path, params=query)).json() == whole[3:6]


async def test_a_history_is_filtered_by_metadata(client: LangGraphClient, thread_id: str) -> None:
    first, _ = await run_twice(client, thread_id)
    whole = await client.threads.get_history(thread_id, limit=WHOLE)
    own = await client.threads.get_history(thread_id, limit=WHOLE, metadata={"run_id": first})
    assert own == whole[5:]
    inputs = await client.threads.get_history(thread_id, metadata={"source": "input"})
    assert [state["metadata"]["step"] for state in inputs] == [4, -1]


async def test_a_run_from_an_earlier_checkpoint_starts_there(
    client: LangGraphClient, thread_id: str
) -> None:
    first, _ = await run_twice(client, thread_id)
    own = await client.threads.get_history(thread_id, limit=WHOLE, metadata={"run_id": first})
    there = own[0]["checkpoint"]["checkpoint_id"]
    forked = await start(client, thread_id, "probe_async", "F", 0.0, checkpoint_id=there)
    await until_status(client, thread_id, forked, "success")
    thread = await at_rest(client, thread_id)
    assert thread["values"]["log"] == marks("A") + marks("F")


async def test_an_assistant_is_shown_and_found_by_its_graph(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    found = await client.assistants.search(graph_id="probe_async")
    assert [each["graph_id"] for each in found] == ["probe_async"]
    (assistant,) = found
    namespace = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
    assert assistant["assistant_id"] == str(uuid.uuid5(namespace, "probe_async"))
    assert assistant["metadata"] == {"created_by": "system"}
    assert await client.assistants.get(assistant["assistant_id"]) == assistant
    page = await http.post("/assistants/search", json={"limit": 2})
    assert len(page.json()) == 2
    graphs = json.loads(TEST_GRAPHS.read_bytes())["graphs"]
    assert page.headers["x-pagination-total"] == str(len(graphs))
    assert page.headers["x-pagination-next"] == "2"
    bad = await http.get("/assistants/probe_async")
    assert (bad.status_code, bad.json()) == (
        422,
        {"detail": "Invalid assistant ID: must be a UUID"},
    )
    unknown = await http.get(f"/assistants/{uuid.uuid4()}")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "Not Found"})


async def test_a_head_is_that_of_its_get(http: httpx.AsyncClient, thread_id: str) -> None:
    for path in ("/ok", "/info", f"/threads/{thread_id}", f"/threads/{uuid.uuid4()}"):
        whole, head = await http.get(path), await http.head(path)
        assert head.status_code == whole.status_code
        assert head.headers["content-length"] == whole.headers["content-length"]
        assert head.content == b""
    refused = await http.put(f"/threads/{thread_id}/state", json={})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert (await http.head("/threads")).status_code == 405
