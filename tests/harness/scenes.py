"""Servers that a test ends itself, with runs on them, and what is there when they are back."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.history import chain, written_by
from harness.processes import Server, started_server
from harness.runs import start, until_in_middle


@dataclass
class Scene:
    """A server that was ended and started again, and what was on it by name."""

    server: Server
    threads: dict[str, str] = field(default_factory=dict)
    runs: dict[str, list[str]] = field(default_factory=dict)

    async def put(
        self, client: LangGraphClient, name: str, probe: str, token: str, seconds: float
    ) -> None:
        """Start a run on a thread of its own and wait until it is in its middle."""
        thread_id = self.threads[name] = (await client.threads.create())["thread_id"]
        run_id = await start(client, thread_id, probe, token, seconds)
        self.runs[name] = [run_id]
        await until_in_middle(client, thread_id, run_id)

    async def add(
        self, client: LangGraphClient, name: str, token: str, strategy: str = "enqueue"
    ) -> None:
        """Start another run on that thread."""
        thread_id = self.threads[name]
        run_id = await start(
            client, thread_id, "probe_async", token, 0.0, multitask_strategy=strategy
        )
        self.runs[name].append(run_id)


@asynccontextmanager
async def on(scene: Scene, name: str) -> AsyncIterator[tuple[LangGraphClient, str, list[str]]]:
    """A client of the scene's server, with one of its threads and the runs there."""
    async with get_client(url=scene.server.url, api_key=None) as client:
        yield client, scene.threads[name], scene.runs[name]


@dataclass
class Place:
    """A server of the test's own, a client of it, and a thread."""

    server: Server
    client: LangGraphClient
    thread_id: str


@asynccontextmanager
async def place(data_dir: Path, environment: Mapping[str, str]) -> AsyncIterator[Place]:
    """A started server with an empty thread."""
    with started_server(data_dir, environment=environment) as server:
        async with get_client(url=server.url, api_key=None) as client:
            thread = await client.threads.create()
            yield Place(server, client, thread["thread_id"])


async def attempts(client: LangGraphClient, thread_id: str, run_id: str) -> list[int]:
    """The attempts that wrote the run's checkpoints."""
    own = written_by(await chain(client, thread_id), run_id)
    return sorted({state["metadata"]["run_attempt"] for state in own})
