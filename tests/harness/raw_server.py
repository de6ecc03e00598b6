"""Small servers that say any bytes at any moment, and what they counted."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(data):
    return chunk(b"data: " + data + b"\r\n\r\n")


def url_of(sock):
    return f"http://127.0.0.1:{sock.getsockname()[1]}"


class Server:
    """Counts what arrives and leaves the answer to `handle(server, request, reader, writer)`."""

    def __init__(self, handle):
        self.handle = handle
        self.requests = []
        self.connections = 0
        self.closed = asyncio.Event()
        self.open = {}

    async def serve(self, reader, writer):
        self.connections += 1
        self.open[asyncio.current_task()] = writer
        try:
            while request := await self.request(reader):
                self.requests.append(request)
                if await self.handle(self, request, reader, writer):
                    break
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
            self.closed.set()

    async def request(self, reader):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return None
        line, *fields = head.strip().split("\r\n")
        headers = {key.lower(): value for key, value in (field.split(": ", 1) for field in fields)}
        method, path, _ = line.split()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return method, path, headers, body


@asynccontextmanager
async def server(handle):
    """A server on loopback, gone with everything it had open."""
    this = Server(handle)
    async with await asyncio.start_server(this.serve, "127.0.0.1", 0) as listening:
        this.url = url_of(listening.sockets[0])
        try:
            yield this
        finally:
            tasks = list(this.open)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def sends(*pieces, close=False):
    """Answer every request with these bytes; a number among them is a pause in seconds."""

    async def handle(server, request, reader, writer):
        for piece in pieces:
            if isinstance(piece, float):
                await asyncio.sleep(piece)
                continue
            writer.write(piece)
            await writer.drain()
        return close

    return handle


def resets(*pieces):
    """Send these bytes and then reset the connection."""

    async def handle(server, request, reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await asyncio.sleep(0.1)  # else the reset may overtake the bytes
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return True

    return handle


async def hangs(server, request, reader, writer):
    await asyncio.Event().wait()
