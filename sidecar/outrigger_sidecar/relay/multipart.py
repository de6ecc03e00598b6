"""Takes a multipart body apart without copying what is not asked for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from outrigger_sidecar.errors import RefusedTrace
from outrigger_sidecar.relay.limits import Limits

MAX_HEAD_BYTES = 4096
_BOUNDARY = re.compile(r'boundary="?([0-9A-Za-z\'()+_,\-./:=? ]{1,70})"?', re.IGNORECASE)
_BLANK = b"\r\n\r\n"
_NAME = re.compile(rb'[; ]name="([^"\r\n]{1,300})"', re.IGNORECASE)


@dataclass(slots=True)
class Part:
    """One part: its name and where its head and its content lie in the body."""

    name: str
    head: int
    start: int
    end: int


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a Content-Type names.

    Raises:
        RefusedTrace: It is not multipart/form-data, or names none.
    """
    found = _BOUNDARY.search(content_type)
    if found is None or not content_type.strip().lower().startswith("multipart/form-data"):
        raise RefusedTrace(415, "malformed", "send multipart/form-data with a boundary")
    return found[1].encode()


def split(body: bytes, boundary: bytes, limits: Limits) -> Iterator[Part]:
    """Give the parts of `body` in their order.

    Raises:
        RefusedTrace: There are too many, one is too large, or the body is not whole.
    """
    delimiter = b"\r\n--" + boundary
    if not body.startswith(delimiter[2:]):
        raise _malformed("the body does not start with its boundary")
    position = len(delimiter) - 2
    count = 0
    while not body.startswith(b"--", position):
        head = position + 2
        blank = body.find(_BLANK, head, head + MAX_HEAD_BYTES)
        if blank < 0 or not body.startswith(b"\r\n", position):
            raise _malformed("a part has no end of its headers")
        start = blank + len(_BLANK)
        end = body.find(delimiter, start)
        if end < 0:
            raise _malformed("the body ends within a part")
        count += 1
        if count > limits.parts:
            raise RefusedTrace(413, "too_many_parts", f"more than {limits.parts} parts")
        if end - start > limits.part:
            raise RefusedTrace(413, "part_too_large", f"a part is over {limits.part} bytes")
        name = _NAME.search(body, head, start)
        if name is None:
            raise _malformed("a part has no name")
        yield Part(name[1].decode("utf-8", "replace"), head, start, end)
        position = end + len(delimiter)


def _malformed(message: str) -> RefusedTrace:
    return RefusedTrace(400, "malformed", message)
