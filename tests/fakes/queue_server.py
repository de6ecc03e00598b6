"""A server of the LangGraph API whose capacity is known: a queue with a fixed service rate.

Run as a program it says its port and serves until it is killed. Run n of the queue is done when its
turn has come by the clock, `1 / rate` seconds after the one before or after its own coming,
whatever the machine is busy with. With a freeze nothing is answered from one moment to another, in
seconds after the first request; runs of before go on.
"""

import argparse
import asyncio
import json
import sys
import time
import uuid

SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
END = b"0\r\n\r\n"


class Queue:
    """Turns of `1 / rate` seconds each, one after the other."""

    def __init__(self, rate: float) -> None:
        self._seconds = 1 / rate if rate else 0.0
        self._free = 0.0

    def turn(self, now: float) -> float:
        """Return when whoever comes now is done."""
        self._free = max(now, self._free) + self._seconds
        return self._free


class QueueServer:
    def __init__(self, rate: float, freeze: tuple[float, float]) -> None:
        self._queue = Queue(rate)
        self._freeze = freeze
        self._began = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, path, _ = head.split("\r\n", 1)[0].split()
                size = next(
                    (
                        int(line.partition(":")[2])
                        for line in head.lower().split("\r\n")
                        if line.startswith("content-length")
                    ),
                    0,
                )
                body = await reader.readexactly(size)
                await self._answer(method, path, body, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        if path == "/info":
            writer.write(_json({"version": "queue"}))
        elif path == "/assistants/search":
            writer.write(_json([{"graph_id": json.loads(body)["graph_id"]}]))
        else:
            await self._thaw()
            if path == "/threads":
                writer.write(_json({"thread_id": str(uuid.uuid4())}))
            else:
                await self._run(json.loads(body), writer)

    async def _thaw(self) -> None:
        now = time.monotonic()
        self._began = self._began or now
        begin, end = self._freeze
        if begin <= now - self._began < end:
            await asyncio.sleep(self._began + end - now)

    async def _run(self, body: dict, writer: asyncio.StreamWriter) -> None:
        run_id, token = str(uuid.uuid4()), body["input"]["token"]
        done = self._queue.turn(time.monotonic())
        writer.write(SSE + f"content-location: /threads/x/runs/{run_id}\r\n\r\n".encode())
        writer.write(_event("metadata", {"run_id": run_id}))
        await asyncio.sleep(max(0.0, done - time.monotonic()))
        marks = [f"{token}:{step}" for step in ("input", "first", "middle", "last")]
        writer.write(_event("updates", {"last": {"log": marks}}) + END)


def _event(name: str, data: object) -> bytes:
    frame = f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(frame), frame)


def _json(value: object) -> bytes:
    body = json.dumps(value).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


async def listen(rate: float, freeze: tuple[float, float]) -> None:
    this = QueueServer(rate, freeze)
    server = await asyncio.start_server(this.serve, "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=0.0, help="runs a second; 0 for no limit")
    parser.add_argument("--freeze", type=float, nargs=2, default=(0.0, 0.0))
    options = parser.parse_args()
    asyncio.run(listen(options.rate, tuple(options.freeze)))


if __name__ == "__main__":
    main()
