"""Answers that last as long as a run, and notice when the client goes away."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from outrigger_server.api.render import JSON
from outrigger_server.brokers.base import RunEnd
from outrigger_server.errors import Unavailable


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


class StreamedAnswer(Response):
    """Sends chunks as they come; closes their source at once when the client leaves."""

    def __init__(self, chunks: AsyncGenerator[bytes, None], headers: Mapping[str, str]) -> None:
        self._chunks = chunks
        self._fields = headers
        self.background = None
        self.status_code = 200

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                await sending
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": _raw(self._fields)}
        await send(start)
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class AwaitedAnswer(Response):
    """Answers with the body of a run's end; a newline every heartbeat keeps the line open.

    `X-Run-Status` is sent when the run ended before the first heartbeat: later the headers
    are gone already.
    """

    def __init__(
        self,
        end: Awaitable[RunEnd],
        headers: Mapping[str, str],
        *,
        heartbeat_seconds: float,
        on_left: Callable[[], None] | None = None,
    ) -> None:
        self._end = end
        self._fields = {"content-type": JSON, **headers}
        self._heartbeat_seconds = heartbeat_seconds
        self._on_left = on_left
        self._started = False
        self.background = None
        self.status_code = 200

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ending = asyncio.ensure_future(self._end)
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await self._hold(ending, leaving, send)
        finally:
            ending.cancel()
            leaving.cancel()
            await asyncio.gather(ending, leaving, return_exceptions=True)

    async def _hold(
        self, ending: asyncio.Future[RunEnd], leaving: asyncio.Future[None], send: Send
    ) -> None:
        while True:
            await asyncio.wait(
                (ending, leaving),
                timeout=self._heartbeat_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if ending.done():
                await self._finish(ending, send)
                return
            if leaving.done():
                if self._on_left is not None:
                    self._on_left()
                return
            await self._start(send, 200, {})
            await send({"type": "http.response.body", "body": b"\n", "more_body": True})

    async def _finish(self, ending: asyncio.Future[RunEnd], send: Send) -> None:
        try:
            end = ending.result()
        except Unavailable as error:
            said = {"error": type(error).__name__, "message": error.message}
            await self._start(send, 503, {"retry-after": str(error.retry_after)})
            body = orjson.dumps({"detail": error.message, "__error__": said})
        else:
            await self._start(send, 200, {"x-run-status": end.status})
            body = end.body
        await send({"type": "http.response.body", "body": body})

    async def _start(self, send: Send, status: int, more: Mapping[str, str]) -> None:
        if self._started:
            return
        self._started = True
        headers = _raw({**self._fields, **more})
        await send({"type": "http.response.start", "status": status, "headers": headers})
