"""Connections under Locust's HTTP client: a request leaves at once and at most once.

As it comes, geventhttpclient sends a GET, PUT or DELETE again on another connection when one closes
without an answer, lets requests wait for a place in its pool, and has one time-out for all of them.
Here nothing is sent again, nothing waits, and every exchange brings its own time.
"""

import select
import socket
import time
from collections import deque
from dataclasses import dataclass

from gevent import Timeout  # type: ignore[import-untyped]  # it ships no types
from gevent.local import local  # type: ignore[import-untyped]
from gevent.monkey import get_original  # type: ignore[import-untyped]
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.url import URL
from typing_extensions import override

IDLE_SECONDS = 4.0  # less than the 5 s after which uvicorn and node close an idle connection
_NO_SECOND_TRY = -1  # the client tries `size + 1` times more
_READ_BYTES = 64 * 1024

_poll = get_original("select", "poll")


class NeverConnected(OSError):
    """No connection came about, so nothing was sent."""


class TooLarge(OSError):
    """More bytes came than this side is willing to hold."""


@dataclass
class Exchange:
    """One request and its answer: how long to wait, how much to take, what has happened.

    `deadline` is a moment of `time.monotonic`; without one, `silence` bounds each wait, in seconds.
    `received` may be set back to count anew.
    """

    silence: float
    max_bytes: int
    deadline: float | None = None
    sent: bool = False  # some of it may have reached the server
    received: int = 0

    def patience(self) -> float:
        """Return how many seconds to wait for the next bytes.

        Raises:
            TimeoutError: The deadline is past.
        """
        if self.deadline is None:
            return self.silence
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def take(self, size: int) -> None:
        """Count bytes that came.

        Raises:
            TooLarge: They are too many.
        """
        self.received += size
        if self.received > self.max_bytes:
            raise TooLarge(f"larger than {self.max_bytes} bytes")


class Connection:
    """A socket that keeps to the times of the exchange it serves."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._exchange = Exchange(0.0, 0)
        self.idle_since = 0.0

    def serve(self, exchange: Exchange) -> None:
        """Belong to this exchange from now on."""
        self._exchange = exchange

    def is_idle(self) -> bool:
        """Tell whether the server has neither closed it nor sent anything unasked."""
        poll = _poll()  # not select: that knows only the first 1,024 files
        poll.register(self._socket.fileno(), select.POLLIN)
        return not poll.poll(0)

    def sendall(self, data: bytes) -> None:
        """Send all of it, or raise what a socket raises."""
        self._socket.settimeout(self._exchange.patience())
        self._exchange.sent = True
        self._socket.sendall(data)

    def recv(self, size: int) -> bytes:
        """Wait for bytes and count them; raise what a socket raises, or TooLarge."""
        self._socket.settimeout(self._exchange.patience())
        data = self._socket.recv(size)
        self._exchange.take(len(data))
        return data

    def close(self) -> None:
        """Close it; safe to call twice."""
        self._socket.close()


class Connections(ConnectionPool):
    """All connections to one server: as many as there are requests at the same moment.

    One that served its request is used again within `IDLE_SECONDS`.
    """

    def __init__(self, dialler: ConnectionPool, current: local) -> None:
        place = (dialler._connection_host, dialler._connection_port)  # noqa: SLF001  # the pool it stands in for
        super().__init__(*place, *place)
        self.size = _NO_SECOND_TRY
        self._dialler = dialler
        self._current = current
        self._idle: deque[Connection] = deque()

    @override
    def get_socket(self) -> Connection:
        exchange: Exchange = self._current.exchange
        connection = self._rested() or self._dial(exchange)
        connection.serve(exchange)
        return connection

    @override
    def return_socket(self, sock: Connection) -> None:
        sock.idle_since = time.monotonic()
        self._idle.append(sock)
        while self._idle[0].idle_since < sock.idle_since - IDLE_SECONDS:
            self._idle.popleft().close()

    @override
    def release_socket(self, sock: Connection) -> None:
        sock.close()

    @override
    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _rested(self) -> Connection | None:
        youngest = time.monotonic() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_since >= youngest and connection.is_idle():
                return connection
            connection.close()
        return None

    def _dial(self, exchange: Exchange) -> Connection:
        with Timeout(exchange.patience()) as timer:
            try:
                sock = self._dialler._create_socket()  # noqa: SLF001  # knows TCP, TLS and names
            except Timeout as timeout:
                if timeout is not timer:
                    raise
                raise NeverConnected("no connection in time") from timeout
            except (OSError, RuntimeError, UnicodeError) as error:
                raise NeverConnected(getattr(error, "strerror", None) or str(error)) from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(sock)


class Client(HTTPClient):
    """The HTTP client of one server, on `Connections`."""

    def __init__(self, url: URL, current: local) -> None:
        super().__init__(url.host, port=url.port, ssl=url.scheme == "https", block_size=_READ_BYTES)
        self._connection_pool = Connections(self._connection_pool, current)


class Clients(HTTPClientPool):
    """The client of every server, by address; TLS certificates are verified.

    Set `current.exchange` in a greenlet before it sends a request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.current = local()

    @override
    def get_client(self, url: str | URL) -> HTTPClient:
        place = url if isinstance(url, URL) else URL(url)
        key = place.host, place.port
        if key not in self.clients:
            self.clients[key] = Client(place, self.current)
        return self.clients[key]
