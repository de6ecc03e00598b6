"""Carries the steps of requests and streams out in the caller's thread."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
from typing_extensions import override

from outrigger_client.transport.answers import Done, advance, is_read_whole, rest, whole
from outrigger_client.transport.exchange import Exchanger, Lost, Outcome, Pause, Send
from outrigger_client.transport.resume import Close, Emit, Follower, Read, follower


class SyncResilientTransport(httpx.BaseTransport):
    """Repeats requests and resumes streams over another transport, which it closes with itself."""

    def __init__(self, inner: httpx.BaseTransport, exchanger: Exchanger) -> None:
        self._inner = inner
        self._exchanger = exchanger

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, after as many tries as it takes."""
        steps = self._exchanger.exchange(request)
        step = advance(steps, None)
        while not isinstance(step, Done):
            step = advance(steps, self.carry_out(step))
        found = follower(self._exchanger, request, step.value)
        return step.value if found is None else rest(step.value, _Followed(self, found))

    @override
    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def carry_out(self, step: Send | Pause) -> Outcome | None:
        """Do one step of an exchange."""
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            response = self._inner.handle_request(step.request)
        except httpx.TransportError as error:
            return Lost(error)
        if not is_read_whole(response):
            return response
        try:
            body = b"".join(_chunks(response))
        except httpx.TransportError as error:
            return Lost(error, response.headers)
        finally:
            response.close()
        return whole(response, body)


class _Followed(httpx.SyncByteStream):
    """The bytes of a stream, from whichever connection they come."""

    def __init__(self, transport: SyncResilientTransport, following: Follower) -> None:
        self._transport = transport
        self._steps = following.steps()
        self._open: httpx.Response | None = following.first
        self._chunks: Iterator[bytes] | None = None

    @override
    def __iter__(self) -> Iterator[bytes]:
        answer: Any = None
        while not isinstance(step := advance(self._steps, answer), Done):
            if isinstance(step, Emit):
                yield step.data
                answer = None
            elif isinstance(step, Read):
                answer = self._read(step.response)
            elif isinstance(step, Close):
                self._close()
                answer = None
            else:
                answer = self._transport.carry_out(step)

    def _read(self, response: httpx.Response) -> bytes | Lost | None:
        if self._chunks is None:
            self._open, self._chunks = response, _chunks(response)
        try:
            return next(self._chunks, None)
        except httpx.TransportError as error:
            return Lost(error)

    def _close(self) -> None:
        response, self._open, self._chunks = self._open, None, None
        if response is not None:
            response.close()

    @override
    def close(self) -> None:
        """Leave: the connection that is open now is closed."""
        self._close()
        self._steps.close()


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    stream = response.stream
    assert isinstance(stream, httpx.SyncByteStream)  # noqa: S101  what such transports answer
    return iter(stream)
