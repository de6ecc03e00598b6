"""Asks a server about runs until they are where a test wants them, with a deadline."""

import asyncio
import time
from typing import Any

from langgraph_sdk.client import LangGraphClient

DEADLINE_SECONDS = 20.0


def probe_input(token: str, seconds: float = 0.3, *, ask: bool = False) -> dict[str, Any]:
    """The input of a probe graph's run."""
    return {"log": [f"{token}:input"], "token": token, "seconds": seconds, "ask": ask}


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
