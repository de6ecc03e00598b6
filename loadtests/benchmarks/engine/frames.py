"""Takes server-sent events out of the pieces in which they come."""

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Frame:
    """One event: its name and its data, not parsed."""

    event: str
    data: bytes

    def json(self) -> Any:
        """Return the data parsed."""
        return orjson.loads(self.data)


class FrameParser:
    """Gives each event when its blank line has come, however the bytes are cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Frame]:
        """Return the events that `piece` completes; a comment is none."""
        self._rest = (self._rest + piece).replace(b"\r\n", b"\n")
        *blocks, self._rest = self._rest.split(b"\n\n")
        return [frame for block in blocks if (frame := _frame(block)) is not None]


def _frame(block: bytes) -> Frame | None:
    event, data = "", []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            event = value.decode()
        elif name == b"data":
            data.append(value)
    if not event and not data:
        return None
    return Frame(event, b"\n".join(data))
