"""Server-sent events as they come over the wire, read strictly."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

HEARTBEAT = b": heartbeat\r\n\r\n"
_FRAME = re.compile(rb"event: ([^\r\n]+)\r\ndata: ([^\r\n]+)\r\n(?:id: (\d+-\d+)\r\n)?\r\n")


@dataclass(frozen=True)
class Frame:
    """One event."""

    name: str
    data: Any
    id: str | None = None


def parse(body: bytes) -> list[Frame]:
    """The events of a whole stream, without heartbeats; fails on any byte that is none."""
    frames = []
    place = 0
    while place < len(body):
        if body.startswith(HEARTBEAT, place):
            place += len(HEARTBEAT)
            continue
        match = _FRAME.match(body, place)
        assert match is not None, f"no frame at {body[place : place + 200]!r}"
        event_id = match[3].decode() if match[3] else None
        frames.append(Frame(match[1].decode(), json.loads(match[2]), event_id))
        place = match.end()
    return frames


def named(frames: Sequence[Frame], name: str) -> list[Any]:
    """The data of the events with this name."""
    return [frame.data for frame in frames if frame.name == name]


async def arriving(response: httpx.Response) -> AsyncIterator[Frame]:
    """The events of a stream, each as soon as it is complete."""
    buffer = b""
    async for chunk in response.aiter_raw():
        buffer += chunk
        whole, mark, buffer = buffer.rpartition(b"\r\n\r\n")
        for frame in parse(whole + mark):
            yield frame


async def stream_of(http: httpx.AsyncClient, method: str, path: str, **request: Any) -> list[Frame]:
    """All events of a stream, read to its end."""
    response = await http.request(method, path, **request)
    assert response.status_code == 200, response.text
    return parse(response.content)
