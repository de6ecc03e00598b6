"""Server-sent events, parsed from bytes as they arrive. Not HTTP, and not what the events mean.

Lines end with LF or CRLF; a lone CR is no line end here (the format allows it, no server of this
API sends it). Bytes are decoded per whole line only, so no character is ever split.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from outrigger_loadtests.client.transport import Stream, StreamBroken

MAX_EVENT_BYTES = 64 * 2**20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event. `id` is its own, empty without one: what came before has no say in it."""

    name: str
    data: bytes
    id: str = ""


class EventParser:
    """Turns the bytes of one stream into its events; they may be fed in any pieces.

    What is not yet closed by a blank line is no event. `limit` bounds the bytes of one event.
    """

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._held = 0  # bytes of the event so far
        self._pieces: list[bytes] = []  # of a line whose end has not come
        self._at_start = True
        self._name = ""
        self._data: list[bytes] = []
        self._id = ""

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """Take the next bytes and return the events that they complete.

        Raises:
            StreamBroken: An event is larger than the limit.
        """
        found = []
        *ends, rest = piece.split(b"\n")
        for end in ends:
            self._hold(len(end) + 1)
            line = b"".join((*self._pieces, end)) if self._pieces else end
            self._pieces.clear()
            event = self._line(line.removesuffix(b"\r"))
            if event is not None:
                found.append(event)
        if rest:
            self._hold(len(rest))
            self._pieces.append(rest)
        return found

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > self._limit:
            raise StreamBroken(f"an event is larger than {self._limit} bytes")

    def _line(self, line: bytes) -> ServerEvent | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            return self._blank()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode(errors="replace")
        elif field == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")
        elif not field and not self._data:
            self._held = 0  # a heartbeat between events
        return None

    def _blank(self) -> ServerEvent | None:
        event = None
        if self._data:
            event = ServerEvent(self._name or "message", b"\n".join(self._data), self._id)
        self._name = ""
        self._data = []
        self._id = ""
        self._held = 0
        return event


def events(stream: Stream, limit: int = MAX_EVENT_BYTES) -> Iterator[ServerEvent]:
    """Yield the events of a stream, each as soon as its blank line is there; then return.

    An event that the end of the stream cuts off is none. The stream stays the caller's to close.

    Raises:
        StreamBroken: The connection broke, or an event is larger than `limit` bytes.
        StreamSilent: Nothing came for as long as the stream's time-out.
    """
    parser = EventParser(limit)
    while piece := stream.read_line():
        yield from parser.feed(piece)
