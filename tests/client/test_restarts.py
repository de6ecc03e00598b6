"""A server that stops and comes back under its readers, as in a rolling restart."""

import asyncio
import ssl
from typing import Any

import pytest
from langgraph_sdk.schema import StreamPart

from harness.history import marks
from harness.processes import Server
from harness.runs import probe_input
from outrigger_client.client import Client
from outrigger_client.events import StreamGap, StreamResumed
from outrigger_client.operations.options import RunOptions
from outrigger_client.settings import ClientSettings, Pool, Retries

pytestmark = pytest.mark.end_to_end

PATIENT = Retries(tries=100, longest_pause_seconds=0.3)


async def test_readers_and_waiters_get_their_end_from_the_next_server(
    server: Server, tls: ssl.SSLContext
) -> None:
    events: list[Any] = []
    settings = ClientSettings(retries=PATIENT, pool=Pool(tls=tls))
    async with Client(server.url, settings=settings, hook=events.append) as client:
        streamed, waited = [(await client.create_thread())["thread_id"] for _ in range(2)]
        begun = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(_read(client, streamed, begun))
            waiting = tasks.create_task(
                client.sdk.runs.wait(waited, "probe_async", input=probe_input("W", 1.0))
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


async def _read(client: Client, thread_id: str, begun: asyncio.Event) -> list[StreamPart]:
    parts = []
    options: RunOptions = {"input": probe_input("S", 1.0), "stream_mode": ["values", "updates"]}
    async for part in client.stream(thread_id, "probe_async", **options):
        parts.append(part)
        if part.event == "updates":
            begun.set()
    return parts
