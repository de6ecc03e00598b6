"""A server that stops and comes back under its readers, as in a rolling restart."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.history import marks
from harness.processes import TEST_GRAPHS, started_server
from harness.runs import probe_input
from outrigger_client.client import Client
from outrigger_client.events import StreamGap, StreamResumed
from outrigger_client.settings import ClientSettings, Retries

pytestmark = pytest.mark.end_to_end

SETTINGS = ClientSettings(retries=Retries(tries=100, longest_pause_seconds=0.3))
ENVIRONMENT = {"OUTRIGGER_HEARTBEAT_SECONDS": "0.1", "OUTRIGGER_SHUTDOWN_GRACE_SECONDS": "0.1"}


async def test_readers_and_waiters_get_their_end_from_the_next_server(tmp_path: Path) -> None:
    events: list[Any] = []
    with started_server(tmp_path / "data", config=TEST_GRAPHS, environment=ENVIRONMENT) as server:
        async with Client(server.url, settings=SETTINGS, hook=events.append) as client:
            streamed, waited = [await client.create_thread() for _ in range(2)]
            begun = asyncio.Event()

            async def read() -> list[Any]:
                parts = []
                stream = client.stream(
                    streamed["thread_id"],
                    "probe_async",
                    input=probe_input("S", 1.0),
                    stream_mode=["values", "updates"],
                )
                async for part in stream:
                    parts.append(part)
                    if part.event == "updates":
                        begun.set()
                return parts

            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(read())
                waiting = tasks.create_task(
                    client.sdk.runs.wait(
                        waited["thread_id"], "probe_async", input=probe_input("W", 1.0)
                    )
                )
                await begun.wait()
                await asyncio.to_thread(server.stop)
                await asyncio.to_thread(server.restart)
            parts = reading.result()
    assert "ServerStopping" in [e.reason for e in events if isinstance(e, StreamResumed)]
    assert [event for event in events if isinstance(event, StreamGap)] == []
    assert [part.data for part in parts if part.event == "error"] == []
    updates = [name for part in parts if part.event == "updates" for name in part.data]
    assert updates == ["first", "middle", "last"]
    assert waiting.result()["log"] == marks("W")
