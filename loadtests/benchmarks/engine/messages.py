"""Reads HTTP/1.1 answers from a stream: a head, then a body by length or in chunks.

As little as a benchmark needs: no compression, no trailers, no body that ends with the connection.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"
LINE_END = b"\r\n"
CHUNKED = b"\r\ntransfer-encoding: chunked\r\n"
LENGTH = b"\r\ncontent-length:"
STATUS = slice(9, 12)


class BadAnswerError(Exception):
    """The server sent something else than was asked for."""


@dataclass(frozen=True, slots=True)
class Head:
    """A status and how the body comes: `length` bytes, or in chunks when that is None."""

    status: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read up to the body.

    Raises:
        BadAnswerError: The bytes are no HTTP/1.1 head, or tell no way to find the body's end.
        asyncio.IncompleteReadError: The connection ended.
    """
    text = (await reader.readuntil(HEAD_END)).lower()
    if not text.startswith(b"http/1.1 ") or not text[STATUS].isdigit():
        raise BadAnswerError(f"no HTTP/1.1 answer: {text[:80]!r}")
    status = int(text[STATUS])
    if CHUNKED in text:
        return Head(status, None)
    _, found, rest = text.partition(LENGTH)
    if not found:
        raise BadAnswerError("neither chunks nor a length")
    return Head(status, int(rest.partition(LINE_END)[0]))


async def pieces(reader: asyncio.StreamReader, head: Head) -> AsyncGenerator[bytes, None]:
    """Yield the body as it comes; the next answer can be read when this is exhausted."""
    if head.length is not None:
        yield await reader.readexactly(head.length)
        return
    while size := int((await reader.readuntil(LINE_END)).partition(b";")[0], 16):
        piece = await reader.readexactly(size + len(LINE_END))
        yield piece[:-2]
    await reader.readexactly(len(LINE_END))


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read a whole answer."""
    head = await read_head(reader)
    return Answer(head.status, b"".join([piece async for piece in pieces(reader, head)]))
