"""A connection that may not be slow, large or one too many while it asks.

What follows the head of a request, its body, is the business of whoever reads it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections, how long the head of a request may take, how large it may be."""

    connections: int = 100
    head_seconds: float = 5.0
    head_bytes: int = 32 * 1024


_STATUS = {
    "busy": (503, "Service Unavailable"),
    "slow": (408, "Request Timeout"),
    "too_large": (431, "Request Header Fields Too Large"),
}


class BoundedConnection(HttpToolsProtocol):
    """Ends a connection that breaks the limits, with an answer, and says so to `refused`."""

    def __init__(
        self, *args: Any, limits: Limits, refused: Callable[[str], None], **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self._limits = limits
        self._refused = refused
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._refuse("busy")
            return
        self._begin_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._head_timer is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        # Looked at afterwards: the head may have ended within these bytes.
        if self._head_timer is not None and self._head_bytes > self._limits.head_bytes:
            self._refuse("too_large")

    @override
    def on_message_begin(self) -> None:
        if self._head_timer is None:  # the next request on a connection that was kept
            self._begin_head()
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def _begin_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(
            self._limits.head_seconds, partial(self._refuse, "slow")
        )

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, reason: str) -> None:
        self._end_head()
        if self.transport.is_closing():
            return
        self._refused(reason)
        code, phrase = _STATUS[reason]
        answer = f"HTTP/1.1 {code} {phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        self.transport.write(answer.encode())
        self.transport.close()
