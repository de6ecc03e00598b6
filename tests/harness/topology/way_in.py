"""A running nginx with the shipped files, for tests that make up the servers behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.raw_server import Server
from harness.topology.containers import Container

PORT = 8000
Handle = Callable[..., Awaitable[bool | None]]


@dataclass(frozen=True)
class WayIn:
    """Where nginx listens, and where it looks for servers."""

    address: str
    servers: Sequence[str]
    nginx: Container
    certificate: Path

    @property
    def url(self) -> str:
        """The plain way."""
        return f"http://{self.address}:8080"

    @asynccontextmanager
    async def behind(self, *handles: Handle) -> AsyncIterator[list[Server]]:
        """Let a server at each of the first addresses handle requests so, until the block ends."""
        async with AsyncExitStack() as stack:
            made = []
            for address, handle in zip(self.servers, handles, strict=False):
                server = Server(handle)
                listening = await asyncio.start_server(server.serve, address, PORT)
                await stack.enter_async_context(listening)
                made.append(server)
            yield made
