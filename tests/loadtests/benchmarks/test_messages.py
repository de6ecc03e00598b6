"""Answers are read whole, however their body comes, and nothing of the next one is taken."""

import asyncio

import pytest

from benchmarks.engine.messages import Answer, BadAnswerError, pieces, read_answer, read_head


def reader_of(*parts: bytes) -> asyncio.StreamReader:
    """A connection on which the parts have come and that then ended."""
    reader = asyncio.StreamReader()
    for part in parts:
        reader.feed_data(part)
    reader.feed_eof()
    return reader


async def test_a_body_by_length_ends_there_and_the_next_answer_follows() -> None:
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx: y\r\n\r\none"
    two = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
    reader = reader_of(one + two)
    assert await read_answer(reader) == Answer(200, b"one")
    assert await read_answer(reader) == Answer(404, b"")


async def test_chunks_are_joined_and_the_next_answer_follows() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"3\r\none\r\nB;name=value\r\n two\r\nthree\r\n0\r\n\r\n"
    reader = reader_of(head + chunks + head + b"0\r\n\r\n")
    assert await read_answer(reader) == Answer(200, b"one two\r\nthree")
    assert await read_answer(reader) == Answer(200, b"")


async def test_a_chunk_is_there_before_the_next_one_has_come() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
    body = pieces(reader, await read_head(reader))
    assert await anext(body) == b"one"
    reader.feed_data(b"0\r\n\r\n")
    assert [piece async for piece in body] == []


@pytest.mark.parametrize(
    "text",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", b"junk\r\n\r\n"],
)
async def test_what_is_no_answer_is_refused(text: bytes) -> None:
    with pytest.raises(BadAnswerError):
        await read_answer(reader_of(text))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n",
    ],
)
async def test_an_answer_that_is_cut_off_is_an_error(text: bytes) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await read_answer(reader_of(text))
