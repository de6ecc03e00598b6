"""Asks a server about runs until they are where a test wants them, with a deadline."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast

from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError
from langgraph_sdk.schema import StreamPart

DEADLINE_SECONDS = 20.0


def probe_input(token: str, seconds: float = 0.3, *, ask: bool = False) -> dict[str, Any]:
    """The input of a probe graph's run."""
    return {"log": [f"{token}:input"], "token": token, "seconds": seconds, "ask": ask}


async def start(
    client: LangGraphClient,
    thread_id: str,
    probe: str,
    token: str,
    seconds: float = 0.3,
    **options: Any,
) -> str:
    """Create a run of a probe graph, whose stream can be read later, and return its id."""
    options.setdefault("input", probe_input(token, seconds))
    run = await client.runs.create(
        thread_id,
        probe,
        stream_mode=["values", "updates"],
        stream_resumable=True,
        **options,
    )
    return str(run["run_id"])


async def until(answers: Callable[[], Awaitable[bool]]) -> None:
    """Return once `answers()`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await answers():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def until_status(
    client: LangGraphClient, thread_id: str, run_id: str, *statuses: str
) -> dict[str, Any]:
    """Return the run once it shows one of the statuses."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        run: dict[str, Any] = dict(await client.runs.get(thread_id, run_id))
        if run["status"] in statuses:
            return run
        assert time.monotonic() < deadline, f"run is {run['status']}, not {statuses}"
        await asyncio.sleep(0.01)


async def until_marked(client: LangGraphClient, thread_id: str, mark: str) -> list[str]:
    """Return the thread's log once it holds the mark."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        log: list[str] = (await client.threads.get_state(thread_id))["values"].get("log", [])
        if mark in log:
            return log
        assert time.monotonic() < deadline, f"{mark} not in {log}"
        await asyncio.sleep(0.01)


async def at_rest(client: LangGraphClient, thread_id: str) -> dict[str, Any]:
    """Return the thread once nothing is in flight on it."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        thread: dict[str, Any] = dict(await client.threads.get(thread_id))
        if thread["status"] != "busy":
            return thread
        assert time.monotonic() < deadline, "the thread stays busy"
        await asyncio.sleep(0.01)


async def until_in_middle(
    client: LangGraphClient, thread_id: str, run_id: str, *, saved: bool = True
) -> None:
    """Return once the run's `first` is a finished super-step and its `middle` is due.

    The run's stream says so, even while a node blocks its loop; the run must be resumable and
    stream updates. With `saved`, the step is also in the history: what follows cannot lose it.
    """
    stream = client.runs.join_stream(thread_id, run_id, last_event_id="-1")
    async with aclosing(cast("AsyncGenerator[StreamPart, None]", stream)) as parts:
        async for part in parts:
            if part.event == "updates" and "first" in part.data:
                break
        else:
            raise AssertionError("the stream ended before the run was in its middle")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while saved:
        newest = await client.threads.get_history(thread_id, limit=1)
        own = [state for state in newest if state["metadata"]["run_id"] == run_id]
        if own and list(own[0]["next"]) == ["middle"]:
            return
        assert time.monotonic() < deadline, "the step does not come into the history"
        await asyncio.sleep(0.01)


async def status_or_gone(client: LangGraphClient, thread_id: str, run_id: str) -> str:
    """The run's status; `gone` for one that is not there."""
    try:
        return str((await client.runs.get(thread_id, run_id))["status"])
    except NotFoundError:
        return "gone"


async def until_ended(client: LangGraphClient, thread_id: str, run_id: str) -> str:
    """Return the run's last status, or `gone`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (status := await status_or_gone(client, thread_id, run_id)) in {"pending", "running"}:
        assert time.monotonic() < deadline, f"the run stays {status}"
        await asyncio.sleep(0.01)
    return status


async def until_gone(client: LangGraphClient, thread_id: str) -> None:
    """Return once the thread is not there any more."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            await client.threads.get(thread_id)
        except NotFoundError:
            return
        assert time.monotonic() < deadline, "the thread stays"
        await asyncio.sleep(0.01)
