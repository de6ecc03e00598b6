"""A case for every method of `client.runs`."""

import asyncio

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError

from harness.runs import status_or_gone, until_status
from harness.sdk_cases.graphs import APPROVAL, DONE, ECHO, INPUT, SETTINGS, SLOW_INPUT


async def _thread(client: LangGraphClient) -> str:
    return str((await client.threads.create())["thread_id"])


async def _slow(client: LangGraphClient, thread_id: str) -> str:
    """A run that has begun and will not end by itself."""
    run = await client.runs.create(thread_id, ECHO, input=SLOW_INPUT)
    await until_status(client, thread_id, run["run_id"], "running")
    return str(run["run_id"])


async def create(client: LangGraphClient) -> None:
    thread_id = await _thread(client)
    run = await client.runs.create(thread_id, ECHO, input=INPUT, metadata={"a": 1})
    assert (run["status"], run["multitask_strategy"]) == ("pending", "enqueue")
    assert run["metadata"]["a"] == 1
    await until_status(client, thread_id, run["run_id"], "success")
    stateless = await client.runs.create(None, ECHO, input=INPUT)
    assert stateless["status"] == "pending"


async def create_batch(client: LangGraphClient) -> None:
    payloads = [
        {"assistant_id": ECHO, "input": INPUT},
        {"assistant_id": SETTINGS, "input": {}, "context": {"colour": "blue"}},
    ]
    runs = await client.runs.create_batch(payloads)  # type: ignore[arg-type]  # the rest is optional
    assert len({run["run_id"] for run in runs}) == 2
    assert [run["kwargs"]["input"] for run in runs] == [INPUT, {}]


async def get(client: LangGraphClient) -> None:
    thread_id = await _thread(client)
    made = await client.runs.create(thread_id, ECHO, input=INPUT)
    run = await client.runs.get(thread_id, made["run_id"])
    assert (run["run_id"], run["thread_id"]) == (made["run_id"], thread_id)


async def list_(client: LangGraphClient) -> None:
    thread_id = await _thread(client)
    ids = []
    for _ in "ab":
        ids.append((await client.runs.create(thread_id, ECHO, input=INPUT))["run_id"])
        await until_status(client, thread_id, ids[-1], "success")
    assert [run["run_id"] for run in await client.runs.list(thread_id)] == ids[::-1]
    assert [run["run_id"] for run in await client.runs.list(thread_id, limit=1)] == ids[1:]
    assert await client.runs.list(thread_id, status="error") == []
    bare = await client.runs.list(thread_id, select=["run_id"], offset=1)
    assert bare == [{"run_id": ids[0]}]


async def wait(client: LangGraphClient) -> None:
    thread_id = await _thread(client)
    asked = await client.runs.wait(thread_id, APPROVAL, input=INPUT)
    assert asked["__interrupt__"][0]["value"] == {"question": "go on?"}
    answered = await client.runs.wait(thread_id, APPROVAL, command={"resume": "yes"})
    assert answered == {"log": ["in", "answer:yes", "last"]}
    assert await client.runs.wait(None, SETTINGS, input={}, context={"colour": "red"}) == {
        "colour": "red"
    }
    with pytest.raises(Exception, match="boom"):
        await client.runs.wait(thread_id, "failing", input={})
    failed = await client.runs.wait(thread_id, "failing", input={}, raise_error=False)
    assert failed["__error__"]["error"] == "ValueError"


async def stream(client: LangGraphClient) -> None:
    thread_id = await _thread(client)
    created = []
    parts = [
        part
        async for part in client.runs.stream(
            thread_id,
            ECHO,
            input=INPUT,
            stream_mode=["updates", "custom"],
            on_run_created=created.append,
        )
    ]
    assert [part.event for part in parts] == ["metadata", "updates", "custom", "updates", "updates"]
    assert created[0]["thread_id"] == thread_id
    assert created[0]["run_id"] == parts[0].data["run_id"]
    values = [part.data async for part in client.runs.stream(None, ECHO, input=INPUT)]
    assert values[-1] == {"log": DONE}


async def join(client: LangGraphClient) -> None:
    thread_id = await _thread(client)
    run = await client.runs.create(thread_id, ECHO, input=INPUT)
    assert await client.runs.join(thread_id, run["run_id"]) == {"log": DONE}


async def join_stream(client: LangGraphClient) -> None:
    thread_id = await _thread(client)
    run = await client.runs.create(
        thread_id, ECHO, input=INPUT, stream_mode=["values", "updates"], stream_resumable=True
    )
    joined = client.runs.join_stream(
        thread_id, run["run_id"], stream_mode="updates", last_event_id="-1"
    )
    async with asyncio.timeout(30):
        assert [part.data async for part in joined if part.event == "updates"] == [
            {name: {"log": [name]}} for name in DONE[1:]
        ]


async def cancel(client: LangGraphClient) -> None:
    thread_id = await _thread(client)
    kept = await _slow(client, thread_id)
    with pytest.raises(ConflictError):
        await client.runs.create(thread_id, ECHO, multitask_strategy="reject")
    await client.runs.cancel(thread_id, kept, wait=True)
    assert await status_or_gone(client, thread_id, kept) == "interrupted"
    gone = await _slow(client, thread_id)
    await client.runs.cancel(thread_id, gone, wait=True, action="rollback")
    assert await status_or_gone(client, thread_id, gone) == "gone"


async def cancel_many(client: LangGraphClient) -> None:
    threads = [await _thread(client) for _ in "ab"]
    runs = [await _slow(client, thread_id) for thread_id in threads]
    await client.runs.cancel_many(thread_id=threads[0], run_ids=runs[:1])
    await until_status(client, threads[0], runs[0], "interrupted")
    assert await status_or_gone(client, threads[1], runs[1]) == "running"
    await client.runs.cancel(threads[1], runs[1], wait=True)


async def delete(client: LangGraphClient) -> None:
    thread_id = await _thread(client)
    run = await client.runs.create(thread_id, ECHO, input=INPUT)
    await until_status(client, thread_id, run["run_id"], "success")
    await client.runs.delete(thread_id, run["run_id"])
    with pytest.raises(NotFoundError):
        await client.runs.get(thread_id, run["run_id"])
