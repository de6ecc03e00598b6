"""Clients of a started server; each module starts its own as the fixture `server`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.callers import As, bearer
from harness.cluster import Cluster
from harness.processes import Server


@pytest.fixture
async def client(server: Server | Cluster) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=server.url, api_key=None) as client:
        yield client


@pytest.fixture
async def http(server: Server | Cluster) -> AsyncIterator[httpx.AsyncClient]:
    """For what the SDK hides: codes, headers, bytes."""
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits) as http:
        yield http


@pytest.fixture
async def thread_id(client: LangGraphClient) -> str:
    thread = await client.threads.create()
    return str(thread["thread_id"])


@pytest.fixture
async def who(server: Server) -> AsyncIterator[As]:
    """A client of whoever is named."""
    async with AsyncExitStack() as opened:
        clients: dict[str, LangGraphClient] = {}

        def client(name: str) -> LangGraphClient:
            if name not in clients:
                clients[name] = get_client(url=server.url, api_key=None, headers=bearer(name))
                opened.push_async_callback(clients[name].aclose)
            return clients[name]

        yield client
