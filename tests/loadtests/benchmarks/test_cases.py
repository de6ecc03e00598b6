"""Frames and cuts are timed when all is well, and counted as failed when it is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from benchmarks.engine.cases import FINISHED, cuts, first_frames
from benchmarks.engine.chain import MARKS
from benchmarks.engine.connection import HOST
from benchmarks.engine.null_server import THREAD, answer
from benchmarks.engine.plan import Repeats

TWICE = Repeats(2, 60.0)
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
RUN_ID = "the-run"


def event(name: str, content: Any) -> bytes:
    """One event in a chunk of its own."""
    text = f"event: {name}\r\ndata: ".encode() + orjson.dumps(content) + b"\r\n\r\n"
    return b"%x\r\n%b\r\n" % (len(text), text)


@asynccontextmanager
async def server(*, log: tuple[str, ...], status: str = "interrupted") -> AsyncIterator[int]:
    """A server whose runs leave the log, and whose cut runs show the status.

    The stream of a run that sleeps stays open, as it does until the run is cut.
    """

    def reply(line: bytes, body: bytes) -> bytes:
        if line.startswith(b"GET"):
            return answer({"run_id": RUN_ID, "status": status})
        if b"/runs/stream" not in line:
            return THREAD
        start = STREAM + event("metadata", {"run_id": RUN_ID})
        if orjson.loads(body)["input"]["seconds"]:
            return start + event("updates", {"one": {"log": ["one"]}})
        return start + event("values", {"log": []}) + event("values", {"log": log}) + END

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.rpartition(b"content-length: ")[2])
                body = await reader.readexactly(length)
                writer.write(reply(head.partition(b"\r\n")[0], body))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, HOST, 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def test_the_first_frame_comes_before_the_first_values() -> None:
    async with server(log=MARKS) as port:
        found = await first_frames(port, TWICE)
    assert (found["times"], found["failed"]) == (2, 0)
    assert 0 < found["first_frame"]["p50_ms"] <= found["first_values"]["p50_ms"]


async def test_a_cut_is_timed_on_all_sides() -> None:
    async with server(log=(*FINISHED, *MARKS)) as port:
        found = await cuts(port, TWICE)
    assert (found["times"], found["failed"]) == (2, 0)
    assert {"interrupted", "first_frame", "first_values"} <= set(found)


@pytest.mark.parametrize("measure", [first_frames, cuts])
async def test_a_stream_that_ends_with_other_values_has_failed(measure: Any) -> None:
    async with server(log=MARKS[:-1]) as port:
        found = await measure(port, TWICE)
    assert (found["times"], found["failed"]) == (0, 2)
    assert "wrong values" in next(iter(found["reasons"]))


async def test_a_cut_run_that_ends_otherwise_has_failed() -> None:
    async with server(log=(*FINISHED, *MARKS), status="success") as port:
        found = await cuts(port, TWICE)
    assert (found["times"], found["failed"]) == (0, 2)
    assert found["reasons"] == {"BadAnswerError: the cut run ended as success": 2}
