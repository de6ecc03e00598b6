"""What nginx does with requests: whom it asks, what it sends twice, what it leaves alone."""

import asyncio
import json
import ssl
from typing import Any

import httpx
import pytest

from harness.raw_server import END, OK, SSE, Server, event
from harness.topology.way_in import WayIn

pytestmark = pytest.mark.end_to_end

TRIES = 30
"""Requests after which each of three servers has been the first with all but certainty."""
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\nno"
KEY = {"idempotency-key": "k-1"}


async def answers(server: Server, request: Any, reader: Any, writer: Any) -> None:
    writer.write(OK)


async def breaks(server: Server, request: Any, reader: Any, writer: Any) -> bool:
    """Take the request and go away without an answer."""
    return True


async def is_busy(server: Server, request: Any, reader: Any, writer: Any) -> None:
    writer.write(BUSY)


def client(way_in: WayIn) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=way_in.url, timeout=20)


async def codes_of(way_in: WayIn, path: str, **request: Any) -> list[int]:
    async with client(way_in) as http:
        method = request.pop("method", "POST")
        return [(await http.request(method, path, **request)).status_code for _ in range(TRIES)]


async def test_who_cannot_be_connected_to_is_passed_over(way_in: WayIn) -> None:
    async with way_in.behind(answers, answers) as servers:
        assert await codes_of(way_in, "/threads", json={}) == [200] * TRIES
    assert sum(len(each.requests) for each in servers) == TRIES
    assert all(each.requests for each in servers)


async def test_no_server_at_all_is_told_in_the_shape_of_the_api(way_in: WayIn) -> None:
    async with client(way_in) as http:
        answer = await http.post("/threads", json={})
    assert answer.status_code == 502
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/json"
    assert "could be reached" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/threads/t/runs", {}),
        ("POST", "/threads/t/runs", {"idempotency-key": ""}),
        ("POST", "/threads/t/runs/stream", KEY),
        ("PATCH", "/threads/t", {}),
    ],
)
async def test_what_was_sent_is_not_sent_again(
    way_in: WayIn, method: str, path: str, headers: dict[str, str]
) -> None:
    async with way_in.behind(breaks, breaks) as servers:
        codes = await codes_of(way_in, path, method=method, headers=headers, json={})
    assert codes == [502] * TRIES
    assert sum(len(each.requests) for each in servers) == TRIES


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/threads/t/runs", KEY),
        ("POST", "/threads/t/runs/wait?x=1", KEY),
        ("GET", "/threads/t", {}),
        ("PUT", "/store/items", {}),
    ],
)
async def test_what_is_the_same_twice_is_sent_to_another(
    way_in: WayIn, method: str, path: str, headers: dict[str, str]
) -> None:
    async with way_in.behind(breaks, answers) as (broken, sound):
        codes = await codes_of(way_in, path, method=method, headers=headers, content=b'{"a": 1}')
    assert codes == [200] * TRIES
    assert broken.requests
    assert len(sound.requests) == TRIES
    assert {(request[0], request[1], request[3]) for request in sound.requests} == {
        (method, path, b'{"a": 1}')
    }


async def test_a_server_that_stops_is_passed_over_under_a_key_alone(way_in: WayIn) -> None:
    async with way_in.behind(is_busy, answers):
        assert await codes_of(way_in, "/threads/t/runs/wait", headers=KEY) == [200] * TRIES
        without = await codes_of(way_in, "/threads/t/runs/wait")
    assert set(without) == {200, 503}


async def test_events_are_passed_on_as_they_come(way_in: WayIn) -> None:
    """The second event is sent when the first has arrived: buffered, the test would not end."""
    arrived = asyncio.Event()

    async def streams(server: Server, request: Any, reader: Any, writer: Any) -> bool:
        writer.write(SSE + event(b"1"))
        await writer.drain()
        await arrived.wait()
        writer.write(event(b"2") + END)
        await writer.drain()
        return True

    async with way_in.behind(streams, streams), client(way_in) as http:
        received = b""
        async with http.stream("GET", "/threads/t/runs/r/stream") as answer:
            async for piece in answer.aiter_raw():
                received += piece
                arrived.set()
    assert received == b"data: 1\r\n\r\ndata: 2\r\n\r\n"


async def test_who_leaves_a_stream_leaves_the_server_too(way_in: WayIn) -> None:
    left = asyncio.Event()

    async def streams(server: Server, request: Any, reader: Any, writer: Any) -> bool:
        writer.write(SSE + event(b"1"))
        await writer.drain()
        assert await reader.read() == b""
        left.set()
        return True

    async with way_in.behind(streams, streams), client(way_in) as http:
        async with http.stream("GET", "/threads/t/stream") as answer:
            async for _ in answer.aiter_raw():
                break
        await asyncio.wait_for(left.wait(), 20)


async def test_a_websocket_passes(way_in: WayIn) -> None:
    async def switches(server: Server, request: Any, reader: Any, writer: Any) -> bool:
        headers = request[2]
        assert (headers["upgrade"], headers["connection"]) == ("websocket", "upgrade")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n")
        writer.write(b"connection: upgrade\r\n\r\n")
        writer.write((await reader.readexactly(4)).upper())
        await writer.drain()
        return True

    async with way_in.behind(switches, switches):
        reader, writer = await asyncio.open_connection(way_in.address, 8080)
        head = "GET /socket HTTP/1.1\r\nhost: here\r\nupgrade: websocket\r\nconnection: upgrade"
        writer.write(f"{head}\r\n\r\n".encode())
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"PING"
        writer.close()
        await writer.wait_closed()


async def test_a_body_that_the_server_would_refuse_is_refused_here(way_in: WayIn) -> None:
    async with way_in.behind(answers, answers) as servers, client(way_in) as http:
        answer = await http.post("/threads", content=bytes(20 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert "too large" in answer.json()["detail"]
    assert [each.requests for each in servers] == [[], []]


async def test_the_server_hears_who_asks_and_by_which_id(way_in: WayIn) -> None:
    given = {"x-forwarded-for": "10.0.0.1", "x-request-id": "mine-1", "host": "api.example.org"}
    async with way_in.behind(answers, answers) as servers, client(way_in) as http:
        await http.get("/ok", headers=given)
        await http.get("/ok", headers={"x-request-id": "not one"})
    first, second = sorted(
        (request[2] for each in servers for request in each.requests),
        key=lambda headers: headers["x-request-id"] != "mine-1",
    )
    assert first["x-forwarded-for"] == "127.0.0.1"
    assert (first["host"], first["x-forwarded-proto"]) == ("api.example.org", "http")
    assert len(second["x-request-id"]) == 32


async def test_the_log_is_json_without_queries(way_in: WayIn) -> None:
    async with way_in.behind(answers, answers), client(way_in) as http:
        await http.get("/ok?token=hunter2", headers={"x-request-id": "logged-1"})
    said = way_in.nginx.said.decode()
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["request_id"] == "logged-1"]
    assert (line["path"], line["status"], line["method"]) == ("/ok", 200, "GET")
    assert "hunter2" not in said


async def test_the_example_of_tls_works(way_in: WayIn) -> None:
    trusted = ssl.create_default_context(cafile=str(way_in.certificate))
    trusted.check_hostname = False
    url = f"https://{way_in.address}:8443"
    async with (
        way_in.behind(answers, answers) as servers,
        httpx.AsyncClient(base_url=url, verify=trusted) as http,
    ):
        answer = await http.get("/ok")
    assert answer.status_code == 200
    assert "strict-transport-security" in answer.headers
    (request,) = [request for each in servers for request in each.requests]
    assert request[2]["x-forwarded-proto"] == "https"
