"""What both drivers make of answers and of steps."""

from collections.abc import Generator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import httpx
import orjson

Step = TypeVar("Step")
Result = TypeVar("Result")

EVENT_STREAM = "text/event-stream"
_STOPPING = frozenset({"Unavailable", "StoreUnavailable", "Overloaded"})
_OURS_ALONE = frozenset({"location", "content-length", "content-encoding", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """The steps are over."""

    value: Result


def advance(steps: Generator[Step, Any, Result], answer: Any) -> Step | Done[Result]:
    """The next step, or the result."""
    try:
        return steps.send(answer)
    except StopIteration as end:
        return Done(end.value)


def is_event_stream(response: httpx.Response) -> bool:
    """True for an answer that is to be followed rather than read."""
    return response.status_code == HTTPStatus.OK and _kind(response) == EVENT_STREAM


def _kind(response: httpx.Response) -> str:
    kind: str = response.headers.get("content-type", "").partition(";")[0].strip()
    return kind


def is_read_whole(response: httpx.Response) -> bool:
    """True for JSON and for errors, whose body is part of the try; False for the endless."""
    return _kind(response) == "application/json" or response.status_code != HTTPStatus.OK


def is_unfinished(response: httpx.Response) -> bool:
    """True for the answer of a wait that ends before its run does.

    Its heartbeats have sent the code 200 already when a proxy ends it, or the server stops.
    """
    try:
        body = orjson.loads(response.read())
    except orjson.JSONDecodeError:
        return True
    error = body.get("__error__") if isinstance(body, dict) and "detail" in body else None
    return isinstance(error, dict) and error.get("error") in _STOPPING


def whole(response: httpx.Response, body: bytes) -> httpx.Response:
    """The same answer with its body at hand, encoded as it came."""
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        stream=httpx.ByteStream(body),
        extensions=response.extensions,
    )


def rest(
    response: httpx.Response, stream: httpx.AsyncByteStream | httpx.SyncByteStream
) -> httpx.Response:
    """The same answer with another stream, without the address to come back to.

    The SDK would go there by itself, after this client has given up.
    """
    headers = [(k, v) for k, v in response.headers.multi_items() if k not in _OURS_ALONE]
    return httpx.Response(
        response.status_code, headers=headers, stream=stream, extensions=response.extensions
    )
