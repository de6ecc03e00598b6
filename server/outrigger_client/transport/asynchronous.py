"""Carries the steps of requests and streams out on an event loop."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
from typing_extensions import override

from outrigger_client.transport.answers import Done, advance, is_read_whole, rest, whole
from outrigger_client.transport.exchange import Exchanger, Lost, Outcome, Pause, Send
from outrigger_client.transport.resume import Close, Emit, Follower, Read, follower


class ResilientTransport(httpx.AsyncBaseTransport):
    """Repeats requests and resumes streams over another transport, which it closes with itself."""

    def __init__(self, inner: httpx.AsyncBaseTransport, exchanger: Exchanger) -> None:
        self._inner = inner
        self._exchanger = exchanger

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, after as many tries as it takes."""
        steps = self._exchanger.exchange(request)
        step = advance(steps, None)
        while not isinstance(step, Done):
            step = advance(steps, await self.carry_out(step))
        found = follower(self._exchanger, request, step.value)
        return step.value if found is None else rest(step.value, _Followed(self, found))

    @override
    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def carry_out(self, step: Send | Pause) -> Outcome | None:
        """Do one step of an exchange."""
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            response = await self._inner.handle_async_request(step.request)
        except httpx.TransportError as error:
            return Lost(error)
        if not is_read_whole(response):
            return response
        try:
            body = b"".join([chunk async for chunk in _chunks(response)])
        except httpx.TransportError as error:
            return Lost(error, response.headers)
        finally:
            await response.aclose()
        return whole(response, body)


class _Followed(httpx.AsyncByteStream):
    """The bytes of a stream, from whichever connection they come."""

    def __init__(self, transport: ResilientTransport, following: Follower) -> None:
        self._transport = transport
        self._steps = following.steps()
        self._open: httpx.Response | None = following.first
        self._chunks: AsyncIterator[bytes] | None = None

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        answer: Any = None
        while not isinstance(step := advance(self._steps, answer), Done):
            if isinstance(step, Emit):
                yield step.data
                answer = None
            elif isinstance(step, Read):
                answer = await self._read(step.response)
            elif isinstance(step, Close):
                await self._close()
                answer = None
            else:
                answer = await self._transport.carry_out(step)

    async def _read(self, response: httpx.Response) -> bytes | Lost | None:
        if self._chunks is None:
            self._open, self._chunks = response, _chunks(response)
        try:
            return await anext(self._chunks, None)
        except httpx.TransportError as error:
            return Lost(error)

    async def _close(self) -> None:
        response, self._open, self._chunks = self._open, None, None
        if response is not None:
            await response.aclose()

    @override
    async def aclose(self) -> None:
        """Leave: the connection that is open now is closed."""
        await self._close()
        self._steps.close()


def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101  what such transports answer
    return stream.__aiter__()
