"""What stands in the spool: one record for each run operation.

A file is a line that names its version and the boundary of its parts, then records, each with a
head of fixed size before its content. docs/decisions/021 says why.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

FILE_MARK = b"outrigger-relay-1 "
BOUNDARY_LENGTH = 40
FILE_HEAD_LENGTH = len(FILE_MARK) + BOUNDARY_LENGTH + 1
# Length and checksum of the content, time it came (Unix seconds), seconds the run took, facts,
# trace id, run id.
_HEAD = struct.Struct("<IIdfB16s16s")
HEAD_LENGTH = _HEAD.size
NO_ID = bytes(16)


class Fact(IntFlag):
    """What has to be known of a record without reading its content."""

    ROOT = 1
    ENDED = 2
    ERROR = 4
    SINGLE_POST = 8
    """The content is the body of a call of its own, POST /runs; it lacks what a batch needs."""
    SINGLE_PATCH = 16
    """Likewise, PATCH /runs/{run id}."""

    @property
    def is_single(self) -> bool:
        """True when it is sent by itself."""
        return bool(self & (Fact.SINGLE_POST | Fact.SINGLE_PATCH))


NO_FACTS = Fact(0)


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record on its way into the spool. `parts` are heads and contents, without boundaries."""

    trace: bytes
    run: bytes
    facts: Fact
    seconds: float
    parts: Sequence[bytes]

    def packed(self, boundary: bytes, received: float) -> bytes:
        """Return the bytes to write."""
        if self.facts.is_single:
            content = self.parts[0]
        else:
            opening = b"--" + boundary + b"\r\n"
            content = opening + (b"\r\n" + opening).join(self.parts) + b"\r\n"
        return (
            _HEAD.pack(
                len(content),
                zlib.crc32(content),
                received,
                self.seconds,
                self.facts,
                self.trace,
                self.run,
            )
            + content
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a record, as read."""

    length: int
    checksum: int
    received: float
    seconds: float
    facts: Fact
    trace: bytes
    run: bytes

    def fits(self, content: bytes) -> bool:
        """True when `content` is what was written."""
        return len(content) == self.length and zlib.crc32(content) == self.checksum


def unpack_head(data: bytes) -> Head:
    """Read a head of `HEAD_LENGTH` bytes."""
    length, checksum, received, seconds, facts, trace, run = _HEAD.unpack(data)
    return Head(length, checksum, received, seconds, Fact(facts & 31), trace, run)


def file_head(boundary: bytes) -> bytes:
    """Return what stands at the start of a file."""
    return FILE_MARK + boundary + b"\n"


def read_file_head(data: bytes) -> bytes | None:
    """Return the boundary of a file's parts; None when it is no file of the spool."""
    if len(data) != FILE_HEAD_LENGTH or not data.startswith(FILE_MARK) or data[-1:] != b"\n":
        return None
    return data[len(FILE_MARK) : -1]
