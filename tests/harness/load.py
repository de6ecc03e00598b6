"""Load of every kind on a server, from a thread of its own, until the block ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import aclosing, contextmanager, suppress
from typing import Any, cast
from uuid import uuid4

import httpx
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import APIConnectionError, APIError, ConflictError

from harness.runs import probe_input, until_status

Kind = Callable[["Client"], Coroutine[Any, Any, None]]
STRATEGIES = ("reject", "enqueue", "interrupt", "rollback")
FAULTS = (httpx.HTTPError, APIError, APIConnectionError)
PAUSE_SECONDS = 0.2


class Client:
    """What a kind of load sends with."""

    def __init__(self, sdk: LangGraphClient, http: httpx.AsyncClient) -> None:
        self.sdk, self.http = sdk, http

    async def thread(self) -> str:
        return str((await self.sdk.threads.create())["thread_id"])


async def chats(client: Client) -> None:
    """A traced run, read as a stream: models, tools, retries, subgraphs, a question at its end."""
    stream = client.sdk.runs.stream(
        await client.thread(), "whole", input={}, stream_mode=["messages-tuple", "updates"]
    )
    async with aclosing(cast("AsyncIterator[Any]", stream)) as parts:  # type: ignore[type-var]
        async for _ in parts:
            pass


async def double_texts(client: Client) -> None:
    """A second message with each strategy."""
    for strategy in STRATEGIES:
        thread_id = await client.thread()
        run = await client.sdk.runs.create(thread_id, "probe_async", input=probe_input("first", 1))
        await until_status(client.sdk, thread_id, run["run_id"], "running", "success")
        try:
            second = await client.sdk.runs.create(
                thread_id,
                "probe_async",
                input=probe_input("second", 0),
                multitask_strategy=cast("Any", strategy),
            )
            await client.sdk.runs.join(thread_id, second["run_id"])
        except ConflictError:
            assert strategy == "reject"


async def plain_requests(client: Client) -> None:
    """What holds no run."""
    thread_id = await client.thread()
    for method, path in (
        ("GET", f"/threads/{thread_id}"),
        ("GET", f"/threads/{thread_id}/history"),
        ("POST", "/assistants/search"),
    ):
        await client.http.request(method, path, json={} if method == "POST" else None)


async def plain_runs(client: Client) -> None:
    """Runs that take a moment, and their state."""
    await client.sdk.runs.wait(
        await client.thread(), "probe_async", input=probe_input("plain", 0.05)
    )


ORDINARY: tuple[Kind, ...] = (chats, plain_requests, plain_runs)


async def refused_requests(client: Client) -> None:
    """Requests for what is not there."""
    for path in ("/nowhere", f"/threads/{uuid4()}"):
        await client.http.get(path)


async def failing_runs(client: Client) -> None:
    """Runs that raise, and runs that go round until they are stopped."""
    limit = cast("Any", {"recursion_limit": 3})
    await client.sdk.runs.wait(None, "failing", input={}, raise_error=False)
    await client.sdk.runs.wait(None, "endless", input={}, config=limit, raise_error=False)


async def rejected_messages(client: Client) -> None:
    """Many messages to a thread that is busy, each of them refused."""
    thread_id = await client.thread()
    await client.sdk.runs.create(thread_id, "probe_async", input=probe_input("long", 3))
    body = {
        "assistant_id": "probe_async",
        "input": probe_input("more", 0),
        "multitask_strategy": "reject",
    }
    for _ in range(20):
        await client.http.post(f"/threads/{thread_id}/runs", json=body)
        await asyncio.sleep(0.1)


async def broken_requests(client: Client) -> None:
    """Requests that the server itself fails."""
    await client.http.get("/broken")


def rarely(kind: Kind, seconds: float = 5.0) -> Kind:
    """The same, with a pause."""

    async def paused(client: Client) -> None:
        await kind(client)
        await asyncio.sleep(seconds)

    return paused


async def _again_and_again(kind: Kind, client: Client, until: asyncio.Event) -> None:
    while not until.is_set():
        with suppress(*FAULTS):  # a fault is what some tests make
            await kind(client)
        await asyncio.sleep(PAUSE_SECONDS)


async def _load(url: str, kinds: tuple[Kind, ...], until: asyncio.Event) -> None:
    async with (
        get_client(url=url, api_key=None) as sdk,
        httpx.AsyncClient(base_url=url, timeout=30) as http,
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(_again_and_again(kind, Client(sdk, http), until)) for kind in kinds
        ]
        await until.wait()
        for task in tasks:
            task.cancel()


@contextmanager
def load(url: str, *kinds: Kind) -> Iterator[None]:
    """Send each kind again and again; faults of the server are borne, others are raised."""
    loop, until = asyncio.new_event_loop(), asyncio.Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(loop.run_until_complete, _load(url, kinds, until))
        try:
            yield
        finally:
            if not sending.done():
                loop.call_soon_threadsafe(until.set)
            wait([sending])
            loop.close()
        sending.result()
