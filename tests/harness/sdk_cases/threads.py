"""A case for every method of `client.threads` but the ones of the second protocol."""

import asyncio

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError

from harness.runs import at_rest
from harness.sdk_cases.graphs import APPROVAL, DONE, ECHO, INPUT


async def _ran(client: LangGraphClient) -> str:
    """A thread on which one run has ended."""
    thread_id = str((await client.threads.create())["thread_id"])
    await client.runs.wait(thread_id, ECHO, input=INPUT)
    return thread_id


async def create(client: LangGraphClient) -> None:
    supersteps = [
        {"updates": [{"values": {"log": ["given"]}, "as_node": "__start__"}]},
        {"updates": [{"values": {"log": ["made"]}, "as_node": "first"}]},
    ]
    made = await client.threads.create(metadata={"a": 1}, graph_id=ECHO, supersteps=supersteps)
    state = await client.threads.get_state(made["thread_id"])
    assert (state["values"], state["next"]) == ({"log": ["given", "made"]}, ["middle"])
    with pytest.raises(ConflictError):
        await client.threads.create(thread_id=made["thread_id"])
    same = await client.threads.create(thread_id=made["thread_id"], if_exists="do_nothing")
    assert same["metadata"] == {"a": 1, "graph_id": ECHO}


async def get(client: LangGraphClient) -> None:
    thread_id = await _ran(client)
    thread = await client.threads.get(thread_id, include=["ttl"])
    assert (thread["status"], thread["values"]) == ("idle", {"log": DONE})


async def update(client: LangGraphClient) -> None:
    made = await client.threads.create(metadata={"a": 1})
    changed = await client.threads.update(made["thread_id"], metadata={"b": 2})
    assert changed is not None
    assert changed["metadata"] == {"a": 1, "b": 2}
    nothing = await client.threads.update(made["thread_id"], metadata={"c": 3}, return_minimal=True)
    assert nothing is None
    assert (await client.threads.get(made["thread_id"]))["metadata"] == {"a": 1, "b": 2, "c": 3}


async def delete(client: LangGraphClient) -> None:
    thread_id = await _ran(client)
    await client.threads.delete(thread_id)
    with pytest.raises(NotFoundError):
        await client.threads.get(thread_id)


async def search(client: LangGraphClient) -> None:
    mark = {"case": "sdk search"}
    threads = [await client.threads.create(metadata=mark) for _ in "abc"]
    ids = [each["thread_id"] for each in threads]
    await client.runs.wait(ids[1], APPROVAL, input=INPUT)
    await at_rest(client, ids[1])
    oldest_first = await client.threads.search(
        metadata=mark, sort_by="created_at", sort_order="asc"
    )
    assert [each["thread_id"] for each in oldest_first] == ids
    asking = await client.threads.search(metadata=mark, status="interrupted")
    assert [each["thread_id"] for each in asking] == [ids[1]]
    by_id = await client.threads.search(ids=ids[:2], select=["thread_id"])
    assert {each["thread_id"] for each in by_id} == set(ids[:2])
    assert all(each.keys() == {"thread_id"} for each in by_id)
    (found,) = await client.threads.search(
        metadata=mark, status="interrupted", extract={"last": "values.log[-1]"}
    )
    assert found["extracted"] == {"last": "in"}
    (with_values,) = await client.threads.search(metadata=mark, values={"log": ["in"]}, limit=10)
    assert with_values["thread_id"] == ids[1]


async def count(client: LangGraphClient) -> None:
    mark = {"case": "sdk count"}
    for _ in "abc":
        await client.threads.create(metadata=mark)
    assert await client.threads.count(metadata=mark) == 3
    assert await client.threads.count(metadata=mark, status="busy") == 0


async def copy(client: LangGraphClient) -> None:
    thread_id = await _ran(client)
    made = await client.threads.copy(thread_id)
    copied = str(made["thread_id"])  # type: ignore[index]  # the SDK says None and returns it
    assert copied != thread_id
    values = await client.runs.wait(copied, ECHO, input=INPUT)
    assert values == {"log": DONE * 2}
    assert (await client.threads.get_state(thread_id))["values"] == {"log": DONE}


async def prune(client: LangGraphClient) -> None:
    kept, *gone = [await _ran(client) for _ in "abc"]
    assert await client.threads.prune(gone) == {"pruned_count": 2}
    assert (await client.threads.get(kept))["status"] == "idle"
    for thread_id in gone:
        with pytest.raises(NotFoundError):
            await client.threads.get(thread_id)


async def get_state(client: LangGraphClient) -> None:
    thread_id = await _ran(client)
    state = await client.threads.get_state(thread_id)
    assert (state["values"], state["next"]) == ({"log": DONE}, [])
    before = state["parent_checkpoint"]
    assert before is not None
    by_id = await client.threads.get_state(thread_id, checkpoint_id=before["checkpoint_id"])
    assert by_id["next"] == ["last"]
    assert (await client.threads.get_state(thread_id, before, subgraphs=True))["next"] == ["last"]


async def get_history(client: LangGraphClient) -> None:
    thread_id = await _ran(client)
    history = await client.threads.get_history(thread_id)
    assert [state["next"] for state in history] == [
        [],
        ["last"],
        ["middle"],
        ["first"],
        ["__start__"],
    ]
    older = await client.threads.get_history(
        thread_id, limit=1, before=history[1]["checkpoint"]["checkpoint_id"]
    )
    assert [state["checkpoint_id"] for state in older] == [history[2]["checkpoint_id"]]
    inputs = await client.threads.get_history(thread_id, metadata={"source": "input"})
    assert [state["checkpoint_id"] for state in inputs] == [history[-1]["checkpoint_id"]]


async def update_state(client: LangGraphClient) -> None:
    thread_id = await _ran(client)
    updated = await client.threads.update_state(thread_id, {"log": ["new"]}, as_node="first")
    state = await client.threads.get_state(thread_id)
    assert state["checkpoint"] == updated["checkpoint"]
    assert (state["values"], state["next"]) == ({"log": [*DONE, "new"]}, ["middle"])
    assert (await client.threads.get(thread_id))["status"] == "interrupted"


async def join_stream(client: LangGraphClient) -> None:
    """The thread's stream stays open across runs and tells each one's end."""
    thread_id = str((await client.threads.create())["thread_id"])
    run = await client.runs.create(
        thread_id, ECHO, input=INPUT, stream_mode="updates", after_seconds=1
    )
    seen = []
    async with asyncio.timeout(30):
        async for part in await client.threads.join_stream(thread_id):  # type: ignore[misc]
            seen.append(part.event)
            if part.event == "metadata" and part.data.get("status") == "run_done":
                assert part.data["run_id"] == run["run_id"]
                break
    assert seen.count("updates") == 3
