"""One kept-alive connection to a server, on which one request runs at a time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import orjson

from benchmarks.engine.frames import Frame, FrameParser
from benchmarks.engine.messages import Answer, BadAnswerError, pieces, read_answer, read_head

HOST = "127.0.0.1"
OK = 200


class Connection:
    """Sends requests and reads answers; unusable after any error, or a stream left early."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON that the server answers.

        Raises:
            BadAnswerError: It answered another status than 200, or no JSON.
            OSError, asyncio.IncompleteReadError: The connection ended.
        """
        self._send(method, path, body)
        answer = await read_answer(self._reader)
        _must_be_ok(answer)
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            raise BadAnswerError(f"no JSON: {answer.body[:80]!r}") from error

    async def stream(self, path: str, body: Any) -> AsyncGenerator[Frame, None]:
        """Post and yield the events as they come.

        Raises:
            BadAnswerError: It answered another status than 200.
            OSError, asyncio.IncompleteReadError: The connection ended.
        """
        self._send("POST", path, body)
        head = await read_head(self._reader)
        parser = FrameParser()
        async with aclosing(pieces(self._reader, head)) as body_pieces:
            async for piece in body_pieces:
                if head.status != OK:
                    _must_be_ok(Answer(head.status, piece))
                for frame in parser.feed(piece):
                    yield frame

    def close(self) -> None:
        """Let the connection go."""
        self._writer.close()

    def _send(self, method: str, path: str, body: Any) -> None:
        content = b"" if body is None else orjson.dumps(body)
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: {HOST}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        self._writer.write(head.encode() + content)


def _must_be_ok(answer: Answer) -> None:
    if answer.status != OK:
        raise BadAnswerError(f"status {answer.status}: {answer.body[:80]!r}")


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    """A connection to the port of the loopback interface until the block ends."""
    connection = Connection(*await asyncio.open_connection(HOST, port))
    try:
        yield connection
    finally:
        connection.close()
