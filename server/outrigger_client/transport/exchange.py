"""One request with all of its tries, as steps: what to send and when, without sending it.

The drivers in `asynchronous.py` and `synchronous.py` carry the steps out, so there is one logic
for both. The rules are told in docs/client.md.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random, SystemRandom
from typing import Any, TypeAlias
from uuid import uuid4

import httpx
import orjson

from outrigger_client.errors import OutcomeUnknown
from outrigger_client.events import Hook, RequestEnded, RequestRepeated, no_hook
from outrigger_client.settings import Retries, Timeouts
from outrigger_client.transport.answers import is_read_whole, is_unfinished
from outrigger_client.transport.pauses import pause_after, retry_after
from outrigger_client.transport.places import join_request, key_flag_request
from outrigger_client.transport.routes import Repeat, beats, body_of, repeat_of, route_of

KEY = "idempotency-key"
LAST_EVENT = "last-event-id"
FROM_THE_START = "-1"
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; answered by its `Outcome`."""

    request: httpx.Request


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; answered by None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """There is no answer, or only its beginning."""

    error: httpx.TransportError
    headers: httpx.Headers | None = None
    """Those of the answer that broke off."""


Outcome: TypeAlias = httpx.Response | Lost
"""A response has its body read already, unless it is a stream."""
Exchange: TypeAlias = Generator[Send | Pause, Any, httpx.Response]


@dataclass
class Exchanger:
    """Sends requests as often as is safe and sensible."""

    retries: Retries
    timeouts: Timeouts
    hook: Hook = no_hook
    dice: Random = field(default_factory=SystemRandom)
    clock: Callable[[], float] = time.monotonic
    make_key: Callable[[], str] = lambda: str(uuid4())
    keys_honoured: bool | None = None
    """Whether the server knows idempotency keys; None: not asked yet."""

    def exchange(self, request: httpx.Request) -> Exchange:
        """The answer to a request, after as many tries as it takes.

        Raises:
            OutcomeUnknown: It may have been carried out, and another try might repeat that.
            httpx.TransportError: The server cannot be reached.
        """
        began, tries = self.clock(), _Tries(self._prepared(request))
        error: Exception | None = None
        answer: httpx.Response | None = None
        try:
            answer = yield from self._tried(tries, began)
        except httpx.TransportError as raised:
            error = raised
            raise
        finally:
            if answer is not None or error is not None:
                self.hook(
                    RequestEnded(
                        request.method,
                        route_of(request.url.path),
                        request.url.path,
                        answer.status_code if answer is not None else None,
                        type(error).__name__ if error is not None else None,
                        self.clock() - began,
                        tries.number,
                    )
                )
        return answer

    def _tried(self, tries: "_Tries", began: float) -> Exchange:
        while True:
            tries.number += 1
            outcome = _judged(tries.request, (yield Send(tries.request)))
            if isinstance(outcome, httpx.Response) and outcome.status_code not in _TRY_AGAIN:
                return tries.understood(outcome)
            tries.doubtful = tries.doubtful or not _is_refusal(outcome)
            again = yield from self._again(tries.request, outcome)
            pause = None
            if again is not None:
                spent = self.clock() - began
                asked = _asked(outcome)
                pause = pause_after(tries.number, asked, self.retries, self.dice, spent=spent)
            if again is None or pause is None:
                return _given_up(tries, outcome)
            self._tell(tries, outcome, pause)
            tries.request = again
            yield Pause(pause)

    def _again(
        self, request: httpx.Request, outcome: Outcome
    ) -> Generator[Send | Pause, Any, httpx.Request | None]:
        """What to send next; None when nothing is safe."""
        if _is_refusal(outcome):
            return request
        if join := join_request(request, outcome.headers):
            return join  # its run is known: ask for that
        repeat = repeat_of(request)
        if repeat is Repeat.SAFE:
            return request
        if repeat is Repeat.KEYED and (yield from self._may_create_again(request)):
            return _replayed(request)
        return None

    def _may_create_again(self, request: httpx.Request) -> Generator[Send | Pause, Any, bool]:
        if self.retries.creates != "when_safe":
            return self.retries.creates == "always"
        if _is_live_stream(request):
            return False  # joining its run now would leave out what was streamed before
        if self.keys_honoured is None:
            self.keys_honoured = yield from self._asked_for_keys(request)
        return bool(self.keys_honoured)

    def _asked_for_keys(self, request: httpx.Request) -> Generator[Send | Pause, Any, bool | None]:
        question = key_flag_request(request)
        if question is None:
            return None
        try:
            answer = yield from self.exchange(question)
        except httpx.TransportError:
            return None
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return False
        if answer.status_code != HTTPStatus.OK:
            return None
        try:
            told = orjson.loads(answer.read())
        except orjson.JSONDecodeError:
            return False
        flags = told.get("flags") if isinstance(told, dict) else None
        return isinstance(flags, dict) and flags.get("idempotency_keys") is True

    def _prepared(self, request: httpx.Request) -> httpx.Request:
        if repeat_of(request) is Repeat.KEYED and KEY not in request.headers:
            request.headers[KEY] = self.make_key()
        if beats(request):
            # Compressed, events would come late; and a beating answer is never silent.
            request.headers["accept-encoding"] = "identity"
            timeout = {**request.extensions.get("timeout", {})}
            timeout["read"] = self.timeouts.silence_seconds
            request.extensions = {**request.extensions, "timeout": timeout}
        return request

    def _tell(self, tries: "_Tries", outcome: Outcome, pause: float) -> None:
        request = tries.request
        route = route_of(request.url.path)
        reason = _reason(outcome)
        self.hook(RequestRepeated(request.method, route, reason, pause, tries.number))


@dataclass
class _Tries:
    """How far a request has come."""

    request: httpx.Request
    number: int = 0
    doubtful: bool = False
    """True once a try may have been carried out without an answer."""

    def understood(self, answer: httpx.Response) -> httpx.Response:
        """The answer in the light of the tries before it."""
        gone = answer.status_code == HTTPStatus.NOT_FOUND
        if gone and self.doubtful and self.request.method == "DELETE":
            return httpx.Response(HTTPStatus.NO_CONTENT)  # an earlier try has deleted it
        return answer


def _given_up(tries: _Tries, outcome: Outcome) -> httpx.Response:
    if isinstance(outcome, httpx.Response):
        return outcome
    if tries.doubtful and tries.request.method not in {"GET", "HEAD", "OPTIONS"}:
        advice = "look before sending it again"
        raise OutcomeUnknown(tries.request, advice) from outcome.error
    raise outcome.error


def _judged(request: httpx.Request, outcome: Outcome) -> Outcome:
    """The outcome; that of a wait which did not last until the end of its run is a loss."""
    if isinstance(outcome, Lost) or outcome.status_code != HTTPStatus.OK or not beats(request):
        return outcome
    if not is_read_whole(outcome) or not is_unfinished(outcome):
        return outcome
    return Lost(httpx.RemoteProtocolError("the answer ended before its run"), outcome.headers)


def _is_refusal(outcome: Outcome) -> bool:
    """True when the server has surely done nothing."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code == HTTPStatus.TOO_MANY_REQUESTS
    return isinstance(outcome.error, _NEVER_SENT)


def _is_live_stream(request: httpx.Request) -> bool:
    return request.url.path.endswith("/stream") and not body_of(request).get("stream_resumable")


def _replayed(request: httpx.Request) -> httpx.Request:
    """The same creation again; a stream from its first event on."""
    if not request.url.path.endswith("/stream"):
        return request
    headers = request.headers.copy()
    headers.setdefault(LAST_EVENT, FROM_THE_START)
    return httpx.Request(
        request.method,
        request.url,
        headers=headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def _asked(outcome: Outcome) -> float | None:
    return retry_after(outcome.headers) if isinstance(outcome, httpx.Response) else None


def _reason(outcome: Outcome) -> str:
    if isinstance(outcome, httpx.Response):
        return str(outcome.status_code)
    return type(outcome.error).__name__
