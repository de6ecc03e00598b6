"""HTTP as the client needs it. A transport never raises for what a server does: it says so.

A request is sent at most once. `locust_transport.py` is the real one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What came back for a request.

    `status` is 0 when no whole answer came; `error` then says why. `reached` is False when the
    request surely never reached the server (refused connection, unknown host).
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    error: str = ""
    reached: bool = True


class Stream(Protocol):
    """An answer whose body is read line by line as it arrives.

    `head.body` is the whole body when the status is not 2xx or there is no status, else empty.
    """

    head: Answer

    def read_line(self) -> bytes:
        """Return the next line with its line end, or b"" once the server has ended the body.

        Raises:
            StreamBroken: The connection broke before the end.
            StreamSilent: Nothing came for as long as the time-out.
        """
        ...

    def close(self) -> None:
        """Go away; safe to call twice."""
        ...


class StreamBroken(Exception):
    """The connection of a stream broke before its end."""


class StreamSilent(Exception):
    """Nothing came on a stream for as long as its time-out."""


class Transport(Protocol):
    """Sends requests to one server. `name` is what the request is called in statistics."""

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        name: str,
        timeout: float,
        expected: frozenset[int] = frozenset(),
    ) -> Answer:
        """Send a request and read its whole answer, all within `timeout` seconds.

        Statuses of 400 and above count as failed in the statistics unless they are `expected`.
        """
        ...

    def stream(  # noqa: PLR0913  what HTTP is made of
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        name: str,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        expected: frozenset[int] = frozenset(),
    ) -> Stream:
        """Send a request and return when the head of its answer is there.

        `timeout` bounds the wait for the head and each silence after it, in seconds.
        """
        ...
