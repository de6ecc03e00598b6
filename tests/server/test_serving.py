"""A server that stops answers who has come before."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from outrigger_server.serving import HttpServer, http_server, listen

REQUEST = b"POST /runs HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}"
COMERS = 20


@pytest.fixture
async def serving() -> AsyncIterator[tuple[HttpServer, socket.socket]]:
    app = FastAPI()

    @app.post("/runs")
    async def runs() -> dict[str, bool]:
        return {"ok": True}

    listener = listen("127.0.0.1", 0)
    server = http_server(app)
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield server, listener
    server.should_exit = True
    await task


def come(address: tuple[str, int], said: bytes) -> socket.socket:
    """Connect and say something, while the server gets no chance to notice."""
    connection = socket.create_connection(address)
    connection.sendall(said)
    return connection


async def answer_on(connection: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(sock=connection)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_who_waits_to_be_accepted_is_answered(
    serving: tuple[HttpServer, socket.socket],
) -> None:
    server, listener = serving
    comers = [come(listener.getsockname(), REQUEST) for _ in range(COMERS)]
    await server.shutdown([listener])
    answers = [await answer_on(each) for each in comers]
    assert [each.partition(b"\r\n")[0] for each in answers] == [b"HTTP/1.1 200 OK"] * COMERS


async def test_who_has_connected_is_heard(serving: tuple[HttpServer, socket.socket]) -> None:
    """The request is sent when the server has begun to stop."""
    server, listener = serving
    comer = come(listener.getsockname(), b"")
    while not server.server_state.connections:
        await asyncio.sleep(0)
    stopping = asyncio.create_task(server.shutdown([listener]))
    while listener.fileno() >= 0 and server.servers[0].is_serving():
        await asyncio.sleep(0)
    comer.sendall(REQUEST)
    assert (await answer_on(comer)).startswith(b"HTTP/1.1 200 OK")
    await stopping


async def test_who_says_nothing_is_not_waited_for_for_ever(
    serving: tuple[HttpServer, socket.socket],
) -> None:
    server, listener = serving
    silent = come(listener.getsockname(), b"")
    await server.shutdown([listener])
    assert await answer_on(silent) == b""
