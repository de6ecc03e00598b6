"""Cases are played as they are written, and what could not be asked is said."""

import json

import httpx
import pytest

from harness.differential.case import Ask, Finish, case, get, post
from harness.differential.routes import Route, asks_of, route_of, routes_of
from harness.differential.runner import NotAsked, filled, play
from harness.raw_server import SSE, chunk, resets, sends, server


def says(*bodies):
    """A server that gives these JSON bodies, one an answer, the last one again and again."""
    rest = list(bodies)

    async def handle(this, request, reader, writer):
        body = json.dumps(rest.pop(0) if len(rest) > 1 else rest[0]).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        writer.write(head.encode() + b"\r\n\r\n" + body)

    return handle


async def played(handle, *steps):
    async with server(handle) as this, httpx.AsyncClient(base_url=this.url) as http:
        return await play(case("name", *steps), http), this.requests


async def test_what_is_kept_is_used_later() -> None:
    steps = (post("/a", keep={"id": "body.a.0"}), post("/b/{id}", {"x": "{id}", "y": "<{id}>"}))
    _, (_, second) = await played(says({"a": [7]}), *steps)
    assert second[1] == "/b/7"
    assert json.loads(second[3]) == {"x": 7, "y": "<7>"}


async def test_a_request_is_repeated_until_its_answer_fits() -> None:
    answers, requests = await played(
        says({"s": "a"}, {"s": "b"}, {"s": "c"}), get("/x", until={"body.s": ("c", "d")})
    )
    assert answers[0]["body"] == {"s": "c"}
    assert len(requests) == 3


async def test_what_lacks_an_earlier_answer_is_not_asked() -> None:
    answers, requests = await played(
        says({}), post("/a", keep={"id": "body.id"}), get("/b/{id}"), get("/c")
    )
    assert answers[1] == {"not asked": "no id in an earlier answer"}
    assert [path for _, path, _, _ in requests] == ["/a", "/c"]


async def test_a_broken_connection_is_an_answer() -> None:
    answers, _ = await played(resets(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"), get("/a"))
    assert answers[0].keys() == {"broken off"}


async def test_a_reader_leaves_after_the_event_it_waited_for() -> None:
    frames = [chunk(f"event: {name}\r\ndata: 1\r\n\r\n".encode()) for name in ("a", "b", "c")]
    answers, _ = await played(sends(SSE, b"".join(frames)), get("/a", leave_after="b"))
    assert [frame["event"] for frame in answers[0]["frames"]] == ["a", "b"]


async def test_a_request_goes_on_while_others_are_asked() -> None:
    steps = (get("/a", begin="one"), get("/b"), Finish("one"), Finish("two"))
    answers, requests = await played(says({"n": 1}), *steps)
    assert answers[0] == {"begun": "one"}
    assert answers[2]["body"] == {"n": 1}
    assert answers[3] == {"not asked": "two never began"}
    assert len(requests) == 2


def test_names_that_were_not_kept_are_told() -> None:
    assert filled(["{a}", {"{a}": 1}], {"a": "x"}) == ["x", {"x": 1}]
    with pytest.raises(NotAsked, match="no b"):
        filled("/x/{b}", {"a": 1})


def test_a_request_belongs_to_the_route_with_the_fewest_names() -> None:
    description = {"paths": {"/t/{id}": {"get": {}}, "/t/search": {"get": {}, "parameters": []}}}
    routes = routes_of(description)
    assert routes == [Route("/t/{id}", "GET"), Route("/t/search", "GET")]
    assert route_of(Ask("GET", "/t/search"), routes) == routes[1]
    assert route_of(Ask("GET", "/t/{thread_id}?a=1"), routes) == routes[0]
    assert route_of(Ask("POST", "/t/search"), routes) is None
    assert route_of(Ask("GET", "/t/a/b"), routes) is None


def test_an_answer_is_of_the_request_that_began() -> None:
    begun = get("/a", begin="one")
    assert asks_of(case("name", begun, get("/b"), Finish("one"))) == [None, get("/b"), begun]
