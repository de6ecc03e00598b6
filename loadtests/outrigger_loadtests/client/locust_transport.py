"""HTTP by Locust's `FastHttpSession`. Importing this imports Locust, which patches the process.

Locust is told about requests here and not by its session, which times streams only to their head:

    request()   <name>               the whole answer
    stream()    <name> accept        the head of the answer, or the whole of it when it is an error
                <name> first event   the blank line of the first event
                <name> total         the end of the body, or its breaking; none when we leave first

Nothing is sent twice, no redirect is followed, no cookie kept, nothing decompressed.
"""

import time
from collections.abc import Callable, Mapping
from http.client import HTTPException

from gevent import Timeout  # type: ignore[import-untyped]  # it ships no types
from geventhttpclient.response import HTTPSocketResponse
from geventhttpclient.useragent import ConnectionError as SessionError
from locust.contrib.fasthttp import FastHttpSession, LocustUserAgent
from locust.env import Environment
from locust.exception import CatchResponseError
from typing_extensions import override

from outrigger_loadtests.client.connections import Clients, Exchange
from outrigger_loadtests.client.transport import (
    Answer,
    Stream,
    StreamBroken,
    StreamSilent,
    Transport,
)

MAX_BODY_BYTES = 64 * 2**20
_FAILURES = (OSError, HTTPException, SessionError, ValueError)


class LocustTransport(Transport):
    """Sends requests to the server at `base_url`; greenlets may share it.

    `max_bytes` bounds an answer that is read as a whole, and a line of one that is streamed.
    """

    def __init__(
        self,
        environment: Environment,
        base_url: str,
        api_key: str | None = None,
        *,
        max_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._fire: Callable[..., None] = environment.events.request.fire
        self._max_bytes = max_bytes
        self._clients = Clients()
        self._session = FastHttpSession(base_url.rstrip("/"), environment.events.request, None)
        self._session.client = _Agent(self._clients, max_redirects=0, max_retries=0)
        self._key = (api_key or "").encode()
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "outrigger-loadtests"}
        if api_key is not None:
            self._headers["X-Api-Key"] = api_key

    @override
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
        measure = _Measure(self._fire, method, name, path)
        exchange = self._exchange(timeout)
        try:
            head = self._send(exchange, method, path, body, {"Accept": "application/json"})
            answer = self._whole(head)
        except _FAILURES as error:
            answer = _none(error, exchange)
        measure.tell("", len(answer.body), _complaint(answer, expected))
        return answer

    @override
    def stream(
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
        measure = _Measure(self._fire, method, name, path)
        exchange = self._exchange(timeout)
        wanted = {"Accept": "text/event-stream", "Cache-Control": "no-store", **(headers or {})}
        arriving = None
        try:
            arriving = self._send(exchange, method, path, body, wanted)
            if 200 <= arriving.status_code < 300:  # noqa: PLR2004  # the statuses of success
                exchange.deadline = None
                answer = Answer(arriving.status_code, _headers(arriving))
            else:
                exchange.deadline = time.monotonic() + timeout
                answer = self._whole(arriving)
                arriving = None
        except _FAILURES as error:
            answer = _none(error, exchange)
            arriving = None
        measure.tell("accept", len(answer.body), _complaint(answer, expected))
        return (
            _NoStream(answer)
            if arriving is None
            else _Arriving(answer, arriving, exchange, measure)
        )

    def _whole(self, arriving: HTTPSocketResponse) -> Answer:
        """Read the rest of an answer. Our key is not in it, whatever the server repeats."""
        body = arriving.read()
        if self._key:
            body = body.replace(self._key, b"***")
        return Answer(arriving.status_code, _headers(arriving), body)

    def close(self) -> None:
        """Close the connections that no request uses; safe to call twice."""
        self._clients.close()

    def _exchange(self, timeout: float) -> Exchange:
        return Exchange(timeout, self._max_bytes, deadline=time.monotonic() + timeout)

    def _send(
        self,
        exchange: Exchange,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> HTTPSocketResponse:
        """Send a request and return once the head of its answer is there."""
        kind = {} if body is None else {"Content-Type": "application/json"}
        self._clients.current.exchange = exchange
        # `catch_response` without `with`: the session itself then tells Locust nothing.
        response = self._session.request(
            method,
            path,
            data=body,  # type: ignore[arg-type]  # bytes go out as they are
            headers={**self._headers, **kind, **headers},
            stream=True,
            catch_response=True,
        )
        error: BaseException | None = getattr(response, "error", None)
        if error is None:
            return response.stream
        cause = getattr(error, "original", error)
        raise cause if isinstance(cause, Timeout) else error  # a Timeout is the caller's own


class _Agent(LocustUserAgent):
    """Takes every status as an answer: to fail, it would read the whole body as text."""

    @override
    def _verify_status(self, status_code: int, url: object = None) -> None:
        """Accept it."""


class _Measure:
    """Tells Locust how long the parts of one request took, from its start."""

    def __init__(self, fire: Callable[..., None], method: str, name: str, url: str) -> None:
        self._fire = fire
        self._method = method
        self._name = name
        self._url = url
        self._began = time.time()
        self._started = time.perf_counter()

    def tell(self, part: str, size: int, failure: str = "") -> None:
        """Count the part as done, or as failed with few enough different words to be grouped."""
        self._fire(
            request_type=self._method,
            name=f"{self._name} {part}".rstrip(),
            response_time=(time.perf_counter() - self._started) * 1000,
            response_length=size,
            response=None,
            context={},
            exception=CatchResponseError(failure) if failure else None,
            start_time=self._began,
            url=self._url,
        )


class _NoStream(Stream):
    """An answer that is whole already, or none at all."""

    def __init__(self, head: Answer) -> None:
        self.head = head

    @override
    def read_line(self) -> bytes:
        return b""

    @override
    def close(self) -> None:
        """Do nothing: nothing is open."""


class _Arriving(Stream):
    """An answer on its way."""

    def __init__(
        self, head: Answer, body: HTTPSocketResponse, exchange: Exchange, measure: _Measure
    ) -> None:
        self.head = head
        self._body = body
        self._exchange = exchange
        self._measure = measure
        self._size = 0
        self._has_data = False
        self._has_event = False
        self._is_over = False
        self._failure: Exception | None = None

    @override
    def read_line(self) -> bytes:
        self._exchange.received = 0
        try:
            line = self._line()
        except _FAILURES as error:
            self._end(_words(error))
            if isinstance(error, TimeoutError):
                raise StreamSilent(_words(error)) from error
            raise StreamBroken(_words(error)) from error
        self._size += len(line)
        if not line:
            self._end()
        elif not self._has_event:
            self._look_for_event(line)
        return line

    @override
    def close(self) -> None:
        self._is_over = True
        self._body.release()

    def _line(self) -> bytes:
        while True:
            try:
                # At the end, readline leaves what has no line end in the buffer.
                return self._body.readline(b"\n") or self._body.read()
            except _FAILURES as error:
                if self._failure is not None:
                    raise self._failure from error
                self._failure = error  # whole lines may have come together with what is broken

    def _look_for_event(self, line: bytes) -> None:
        if line.startswith(b"data"):
            self._has_data = True
        elif self._has_data and not line.rstrip(b"\r\n"):
            self._has_event = True
            self._measure.tell("first event", self._size)

    def _end(self, failure: str = "") -> None:
        if not self._is_over:
            self._is_over = True
            self._measure.tell("total", self._size, failure)


def _none(error: Exception, exchange: Exchange) -> Answer:
    return Answer(status=0, error=_words(error), reached=exchange.sent)


def _headers(arriving: HTTPSocketResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in arriving.info().items():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _complaint(answer: Answer, expected: frozenset[int]) -> str:
    if answer.status == 0:
        return answer.error
    if answer.status < 400 or answer.status in expected:  # noqa: PLR2004  # the statuses of failure
        return ""
    return f"HTTP {answer.status}"


def _words(error: Exception) -> str:
    """Say in a few words what happened, the same words for the same thing."""
    cause = getattr(error, "original", error)
    if isinstance(cause, TimeoutError):
        return "nothing came in time"
    texts = (getattr(cause, "strerror", None), *cause.args)
    words = next((text for text in texts if text and isinstance(text, str)), type(cause).__name__)
    return words.rstrip(".")
