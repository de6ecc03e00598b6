"""Server-sent events, cut out of bytes as they arrive: whole ones only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from langgraph_sdk.sse import BytesLineDecoder


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, or one comment, with the bytes that it is."""

    raw: bytes
    name: str = ""
    data: bytes = b""
    id: str | None = None

    @property
    def is_event(self) -> bool:
        """False for heartbeats and other comments."""
        return bool(self.name or self.data)

    @property
    def value(self) -> dict[str, Any]:
        """The data as a JSON object; empty when it is none."""
        try:
            value = orjson.loads(self.data)
        except orjson.JSONDecodeError:
            return {}
        return value if isinstance(value, dict) else {}


class FrameReader:
    """Cuts one connection's bytes into frames; what is not whole at its end was never there."""

    def __init__(self) -> None:
        self._lines = BytesLineDecoder()
        self._frame: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that these bytes complete."""
        for line in self._lines.decode(chunk):
            if line:
                self._frame.append(bytes(line))
            elif self._frame:
                yield _frame(self._frame)
                self._frame = []


def _frame(lines: list[bytes]) -> Frame:
    name, data, event_id = "", [], None
    for line in lines:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode(errors="replace")
        elif field == b"data":
            data.append(value)
        elif field == b"id":
            event_id = value.decode(errors="replace")
    return Frame(b"\n".join(lines) + b"\n\n", name, b"\n".join(data), event_id)
