"""What both drivers make of answers and of steps."""

from collections.abc import Generator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import httpx

Step = TypeVar("Step")
Result = TypeVar("Result")

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


def is_read_whole(response: httpx.Response) -> bool:
    """True for JSON and for errors, whose body belongs to the try; False for what may be endless."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    return kind == "application/json" or response.status_code != HTTPStatus.OK


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
