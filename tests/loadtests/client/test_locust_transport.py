"""LocustTransport against servers that behave and servers that do not.

It runs in a process of its own, since importing Locust patches the one it is in.
"""

import asyncio
import socket

import pytest

from harness.raw_server import OK, hangs, resets, sends, server, url_of

METHODS = pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])


async def test_request_arrives_as_it_was_sent_and_its_answer_is_whole(sender):
    head = b"HTTP/1.1 200 Fine\r\nX-A: 1\r\nx-a: 2\r\nSet-Cookie: a=b\r\ncontent-length: 3\r\n\r\n"
    async with server(sends(head, b"\xff\n\n")) as this:
        call = {"method": "POST", "path": "/threads?a=%20", "body": '{"ö":1}'}
        answers, fired = await sender.order(this.url + "/", call, call, api_key="secret")
    assert answers[0] == {
        "status": 200,
        "headers": {"x-a": "1, 2", "set-cookie": "a=b", "content-length": "3"},
        "body": "\xff\n\n",
        "error": "",
        "reached": True,
    }
    assert answers[1] == answers[0]
    method, path, headers, body = this.requests[1]
    assert (method, path, body.decode()) == ("POST", "/threads?a=%20", '{"ö":1}')
    assert headers["x-api-key"] == "secret"
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers
    assert fired == [["POST", "call", "", 3]] * 2
    assert this.connections == 1


async def test_without_a_key_none_is_sent(sender):
    async with server(sends(OK)) as this:
        await sender.order(this.url, {"method": "GET"})
    assert "x-api-key" not in this.requests[0][2]
    assert "content-type" not in this.requests[0][2]


async def test_error_of_the_server_is_an_answer(sender):
    body = b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\ncontent-encoding: gzip\r\n\r\n\xff\xfe"
    async with server(sends(body)) as this:
        answers, fired = await sender.order(this.url, {}, {"kind": "stream"})
    assert [(a["status"], a["body"], a["error"]) for a in answers] == [(500, "\xff\xfe", "")] * 2
    assert fired == [["POST", "call", "HTTP 500", 2], ["POST", "call accept", "HTTP 500", 2]]


async def test_expected_status_counts_as_success(sender):
    async with server(sends(b"HTTP/1.1 409 Busy\r\ncontent-length: 0\r\n\r\n")) as this:
        calls = [{"expected": [409]}, {"expected": [404]}, {"kind": "stream", "expected": [409]}]
        answers, fired = await sender.order(this.url, *calls)
    assert [answer["status"] for answer in answers] == [409] * 3
    assert [told[1:3] for told in fired] == [
        ["call", ""],
        ["call", "HTTP 409"],
        ["call accept", ""],
    ]


@METHODS
async def test_redirects_are_not_followed(sender, method):
    moved = b"HTTP/1.1 307 Go\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n"
    async with server(sends(moved)) as this:
        call = {"method": method, "body": "{}"}
        answers, _ = await sender.order(this.url, call, call | {"kind": "stream"}, call)
    assert [answer["status"] for answer in answers] == [307] * 3
    assert [path for _, path, _, _ in this.requests] == ["/"] * 3


async def test_refused_connection_never_reached_the_server(sender):
    with socket.socket() as deaf:  # bound, but it does not listen
        deaf.bind(("127.0.0.1", 0))
        url = url_of(deaf)
        answers, fired = await sender.order(url, {}, {"kind": "stream"})
    for answer in answers:
        assert (answer["status"], answer["reached"]) == (0, False)
        assert answer["error"] == "Connection refused"
    assert fired == [
        ["POST", "call", "Connection refused", 0],
        ["POST", "call accept", "Connection refused", 0],
    ]


async def test_impossible_host_was_never_reached(sender):
    answers, _ = await sender.order(f"http://{'x' * 64}.invalid", {}, {"kind": "stream"})
    assert [(answer["status"], answer["reached"]) for answer in answers] == [(0, False)] * 2


async def test_connection_that_does_not_come_about_in_time_never_reached_the_server(sender):
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # nobody accepts, and the queue is full after one
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = url_of(full)
        (answer,), _ = await sender.order(url, {"timeout": 0.3})
    assert (answer["status"], answer["reached"]) == (0, False)
    assert answer["error"] == "no connection in time"


@METHODS
@pytest.mark.parametrize("kind", ["request", "stream"])
async def test_silent_server_may_have_done_it(sender, method, kind):
    async with server(hangs) as this:
        call = {"method": method, "kind": kind, "timeout": 0.3}
        (answer,), fired = await sender.order(this.url, call)
    assert (answer["status"], answer["reached"]) == (0, True)
    assert answer["error"] == "nothing came in time"
    assert [told[2] for told in fired] == ["nothing came in time"]
    assert len(this.requests) == 1


CHUNKED = b"HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n"
BREAKS = {
    "before the head": sends(close=True),
    "within the head": sends(b"HTTP/1.1 200 OK\r\nx", close=True),
    "within the body": sends(b"HTTP/1.1 500 Oh\r\ncontent-length: 5\r\n\r\nab", close=True),
    "within a chunk": sends(
        b"HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n5\r\na", close=True
    ),
    "reset before the head": resets(),
    "reset within the body": resets(b"HTTP/1.1 500 Oh\r\ncontent-length: 5\r\n\r\nab"),
    "no HTTP": sends(b"\x00\xffgarbage\r\n\r\n" * 50, close=True),
    "two lengths": sends(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
    "upgrade": sends(b"HTTP/1.1 101 Up\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nab"),
    "only interim": sends(b"HTTP/1.1 100 Continue\r\n\r\n", close=True),
}


@pytest.mark.parametrize("handle", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("kind", ["request", "stream"])
@METHODS
async def test_broken_answer_is_none_and_nothing_is_sent_again(sender, method, kind, handle):
    async with server(handle) as this:
        call = {"method": method, "kind": kind, "body": "{}"}
        (answer,), fired = await sender.order(this.url, call)
    assert (answer["status"], answer["reached"]) == (0, True)
    assert 0 < len(answer["error"]) < 80
    assert [told[2] for told in fired] == [answer["error"]]
    assert len(this.requests) == 1


@METHODS
async def test_kept_connection_closed_under_a_request_is_not_tried_again(sender, method):
    async def handle(server, request, reader, writer):
        if len(server.requests) == 1:
            writer.write(OK)
            return False
        return True  # closes without an answer

    async with server(handle) as this:
        call = {"method": method, "body": "{}"}
        answers, _ = await sender.order(this.url, call, call)
    assert [answer["status"] for answer in answers] == [200, 0]
    assert answers[1]["reached"]
    assert (len(this.requests), this.connections) == (2, 1)


@METHODS
async def test_connection_closed_between_requests_is_not_used(sender, method):
    async with server(sends(OK, close=True)) as this:
        call = {"method": method, "body": "{}"}
        for again in (False, True, True):
            (answer,), _ = await sender.order(this.url, call, again=again)
            assert answer["status"] == 200
            await this.closed.wait()
            this.closed.clear()
    assert (len(this.requests), this.connections) == (3, 3)


async def test_answer_that_trickles_is_over_at_its_time(sender):
    async def handle(server, request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(handle) as this:
        (answer,), _ = await sender.order(this.url, {"timeout": 0.5})
    assert (answer["status"], answer["error"]) == (0, "nothing came in time")


async def test_answer_over_the_bound_is_none(sender):
    body = sends(b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n", b"x" * 9_000_000)
    async with server(body) as this:
        (refused,), _ = await sender.order(this.url, {}, max_bytes=1_000_000)
        (taken,), _ = await sender.order(this.url, {})
    assert (refused["status"], refused["reached"]) == (0, True)
    assert refused["error"] == "larger than 1000000 bytes"
    assert len(taken["body"]) == 9_000_000


async def test_endless_head_is_none(sender):
    head = sends(b"HTTP/1.1 200 OK\r\n" + b"x: 1\r\n" * 1_000_000)
    async with server(head) as this:
        (answer,), _ = await sender.order(this.url, {}, max_bytes=1_000_000)
    assert (answer["status"], answer["error"]) == (0, "larger than 1000000 bytes")


@pytest.mark.parametrize("kind", ["request", "stream"])
async def test_simultaneous_requests_are_all_under_way_at_once(sender, kind):
    everyone = asyncio.Event()

    async def handle(server, request, reader, writer):
        if len(server.requests) == 100:
            everyone.set()
        await everyone.wait()
        writer.write(OK)

    async with server(handle) as this:
        answers, fired = await sender.order(this.url, *[{"kind": kind}] * 100, together=True)
    assert [answer["status"] for answer in answers] == [200] * 100
    assert len(this.requests) == 100
    assert sum(not error for *_, error, _ in fired) == len(fired)
