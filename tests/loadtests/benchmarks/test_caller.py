"""A client counts a run only when its values are whole, and goes on after a failure."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from benchmarks.engine.caller import Caller
from benchmarks.engine.chain import MARKS
from benchmarks.engine.connection import HOST
from benchmarks.engine.null_server import THREAD, VALUES, NullServer, answer

FAULT = b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\n{}"


@asynccontextmanager
async def answering(answers: Sequence[bytes]) -> AsyncIterator[int]:
    """A server that gives the answers in turn, over all its connections; an empty one hangs up."""
    turns = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
                content = next(turns)
                if not content:
                    return
                writer.write(content)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([THREAD, FAULT], "status 500"),
        ([FAULT], "status 500"),
        ([answer({"no": "thread"})], "no thread_id"),
        ([THREAD, answer({"log": list(MARKS[:-1])})], "wrong values"),
        ([THREAD, answer({"log": [*MARKS, "four"]})], "wrong values"),
        ([THREAD, answer({"__error__": {"message": "no"}})], "wrong values"),
        ([THREAD, b""], "IncompleteReadError"),
    ],
)
async def test_what_is_not_a_whole_run_is_a_failure_and_the_next_run_succeeds(
    answers: list[bytes], reason: str
) -> None:
    async with answering([*answers, THREAD, VALUES]) as port, Caller(port) as caller:
        assert reason in await caller.wait_for_run()
        assert await caller.wait_for_run() == ""


async def test_nobody_who_listens_is_a_failure() -> None:
    async with answering([]) as port:
        pass
    async with Caller(port) as caller:
        assert "refused" in (await caller.wait_for_run()).lower()


async def test_a_run_is_two_requests_on_one_connection() -> None:
    connections: list[list[bytes]] = []

    class Counting(NullServer):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            connections.append([])

        def data_received(self, data: bytes) -> None:
            connections[-1].append(data.partition(b" HTTP")[0])
            super().data_received(data)

    server = await asyncio.get_running_loop().create_server(Counting, HOST, 0)
    async with server, Caller(server.sockets[0].getsockname()[1]) as caller:
        assert [await caller.wait_for_run() for _ in range(3)] == [""] * 3
    wait = b"POST /threads/" + b"0" * 36 + b"/runs/wait"
    assert connections == [[b"POST /threads", wait] * 3]
