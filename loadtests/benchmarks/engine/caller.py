"""Does whole runs over HTTP as one client, and tells why one failed."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from benchmarks.engine.chain import is_whole, run_body
from benchmarks.engine.connection import Connection, connected
from benchmarks.engine.messages import BadAnswerError
from benchmarks.engine.plan import REQUEST_SECONDS

# What a request may end with; anything else is a fault of the benchmark.
FAILURES = (BadAnswerError, OSError, asyncio.IncompleteReadError, TimeoutError)


class Caller:
    """One client with one connection, replaced after a failure."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stack = AsyncExitStack()
        self._connections: list[Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def connection(self) -> Connection:
        """Return the open connection, or a new one."""
        if not self._connections:
            opened = await self._stack.enter_async_context(connected(self._port))
            self._connections.append(opened)
        return self._connections[0]

    async def drop(self) -> None:
        """Close the connection: nobody knows what comes next on it."""
        self._connections.clear()
        await self._stack.aclose()

    async def create_thread(self) -> str:
        """Create a thread and return its id."""
        thread = await (await self.connection()).ask("POST", "/threads", {})
        return text_of(thread, "thread_id")

    async def wait_for_run(self) -> str:
        """Create a thread, wait for a run on it; return why it failed, or nothing."""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                thread_id = await self.create_thread()
                connection = await self.connection()
                values = await connection.ask("POST", f"/threads/{thread_id}/runs/wait", run_body())
        except FAILURES as error:
            await self.drop()
            return reason_of(error)
        return "" if is_whole(values) else f"wrong values: {str(values)[:80]}"


def text_of(answer: Any, name: str) -> str:
    """Return a text field of an answer.

    Raises:
        BadAnswerError: It is not there.
    """
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str):
        raise BadAnswerError(f"no {name}: {str(answer)[:80]}")
    return value


def reason_of(error: BaseException) -> str:
    """Return what to say of a failure."""
    return f"{type(error).__name__}: {error}"[:160]
