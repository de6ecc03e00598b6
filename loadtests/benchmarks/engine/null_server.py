"""A server that does nothing: it answers the two requests of a run with bytes made beforehand.

What the client reaches against it is the most that it could ever show of a real server.
"""

import asyncio
from typing import cast

import orjson
import uvloop
from typing_extensions import override

from benchmarks.engine.chain import MARKS
from benchmarks.engine.connection import HOST

END = b"\r\n\r\n"
LENGTH = b"content-length: "
WAIT = b"/runs/wait "


def answer(content: object) -> bytes:
    """Return a whole HTTP answer."""
    body = orjson.dumps(content)
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


THREAD = answer({"thread_id": "0" * 36, "status": "idle", "metadata": {}, "values": None})
VALUES = answer({"log": list(MARKS), "seconds": 0.0})


class NullServer(asyncio.Protocol):
    """Answers each request on one connection; understands what the client sends, no more."""

    def __init__(self) -> None:
        self._rest = b""
        self._transports: list[asyncio.Transport] = []

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transports.append(cast("asyncio.Transport", transport))

    @override
    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(END)) >= 0:
            head = self._rest[:end]
            _, _, length = head.partition(LENGTH)
            size = end + len(END) + int(length)
            if len(self._rest) < size:
                return
            self._rest = self._rest[size:]
            line = head[: head.index(b"\r\n")]
            self._transports[0].write(VALUES if WAIT in line else THREAD)


async def serve() -> None:
    """Say on which port and serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(NullServer, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  read by the benchmark
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
