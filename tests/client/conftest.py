"""One real server for all tests of the client, behind proxies that tests make."""

import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.processes import PROBES, TASK_MAISTRO, TEST_GRAPHS, Server, started_server
from harness.tcp_proxy import TcpProxy
from harness.threaded import Threaded
from outrigger_client.client import Client
from outrigger_client.events import Event
from outrigger_client.settings import ClientSettings, Pool, Retries, Timeouts
from outrigger_client.sync_client import SyncClient

_OWN, _PROBES = TEST_GRAPHS.parent / "graphs.py", PROBES.parent / "graphs.py"
GRAPHS = {
    "approval": f"{_OWN}:approval",
    "failing": f"{_OWN}:failing",
    "probe_async": f"{_PROBES}:probe_async",
    "task_maistro": f"{TASK_MAISTRO.parent}/task_maistro/graph.py:graph",
}
HEARTBEAT_SECONDS = 0.2
SILENCE_SECONDS = 1.0


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("client")
    manifest = folder / "langgraph.json"
    manifest.write_text(json.dumps({"graphs": GRAPHS}))
    environment = {
        "OUTRIGGER_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
        "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5",
        "OUTRIGGER_SHUTDOWN_GRACE_SECONDS": "0.1",
    }
    with started_server(folder / "data", config=manifest, environment=environment) as server:
        yield server


@pytest.fixture
def proxy(server: Server) -> Iterator[TcpProxy]:
    """A bad line to a server that honours keys."""
    with TcpProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def deaf(server: Server) -> Iterator[TcpProxy]:
    """A line to a server that does not know idempotency keys, and says nothing of them."""
    with TcpProxy(server.url, hidden=["Idempotency-Key"]) as proxy:
        proxy.plan("GET /info", times=100, answer=(200, {}))
        yield proxy


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    """One for all clients: to make one takes longer than most tests."""
    return httpx.create_ssl_context()


@pytest.fixture
async def direct(server: Server, tls: ssl.SSLContext) -> AsyncIterator[LangGraphClient]:
    """What is really there: the SDK's own client without anything between."""
    transport = httpx.AsyncHTTPTransport(verify=tls)
    http = httpx.AsyncClient(base_url=server.url, transport=transport, timeout=30)
    async with LangGraphClient(http) as client:
        yield client


@pytest.fixture
async def thread_id(direct: LangGraphClient) -> AsyncIterator[str]:
    thread = await direct.threads.create()
    yield str(thread["thread_id"])
    await direct.threads.delete(thread["thread_id"])  # with what still runs on it


@dataclass
class Clients:
    """Makes clients of one kind, which end with the test; `events` is what their hooks heard."""

    kind: str
    tls: ssl.SSLContext
    stack: AsyncExitStack
    events: list[Event] = field(default_factory=list)

    def __call__(self, url: str, **retries: Any) -> Any:
        quick = Retries(**{"first_pause_seconds": 0.01, "longest_pause_seconds": 0.05, **retries})
        settings = ClientSettings(
            retries=quick,
            pool=Pool(tls=self.tls),
            timeouts=Timeouts(silence_seconds=SILENCE_SECONDS),
        )
        if self.kind == "async":
            client = Client(url, settings=settings, hook=self.events.append)
            self.stack.push_async_exit(client)
            return client
        sync_client = SyncClient(url, settings=settings, hook=self.events.append)
        self.stack.push(sync_client)
        return Threaded(sync_client)

    def heard(self, kind: type[Event]) -> list[Any]:
        """What the hooks heard of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(params=["async", "sync"])
async def clients(request: pytest.FixtureRequest, tls: ssl.SSLContext) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as stack:
        yield Clients(request.param, tls, stack)
