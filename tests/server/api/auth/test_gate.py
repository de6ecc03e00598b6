"""The gate: who is asked, what stays readable behind it, and how it says no."""

import pytest
from starlette.requests import Request
from starlette.routing import Route

from outrigger_server.api.auth.authenticator import Refused
from outrigger_server.api.auth.gate import Gate
from outrigger_server.domain.access import User
from outrigger_telemetry import metric_specs as specs


class Asked:
    """An authenticator that notes what it saw, and refuses who does not say `please`."""

    def __init__(self, *, reads_body=False):
        self.reads_body = reads_body
        self.seen = []

    async def authenticate(self, request):
        body = await request.body() if self.reads_body else b""
        self.seen.append((request.method, request.url.path, request.path_params, body))
        if "please" not in request.headers:
            raise Refused("missing", "Say please")
        return User("ann")


class Counted:
    def __init__(self):
        self.counts = []

    def increment(self, spec, amount=1, **labels):
        assert (spec, amount) == (specs.AUTH_FAILURES_TOTAL, 1)
        self.counts.append(labels)


class Behind:
    """What is behind the gate."""

    def __init__(self):
        self.answered = []

    async def __call__(self, scope, receive, send):
        body = b""
        if scope["type"] == "http":
            body = await Request(scope, receive).body()
        self.answered.append((scope.get("user"), body))


@pytest.fixture
def behind():
    return Behind()


@pytest.fixture
def metrics():
    return Counted()


async def nothing(_request):
    raise AssertionError


def gate_of(behind, metrics, authenticator, *, custom=None, is_open=False):
    return Gate(
        behind,
        authenticator=authenticator,
        metrics=metrics,
        routes=lambda: [Route("/threads/{thread_id}", nothing)],
        custom=lambda scope: scope["path"] == custom,
        custom_is_open=is_open,
    )


async def sent(gate, path, *, kind="http", polite=False):
    scope = {
        "type": kind,
        "path": path,
        "query_string": b"",
        "headers": [(b"please", b"1")] if polite else [],
    }
    if kind == "http":
        scope["method"] = "GET"
    messages = [
        {"type": "http.request", "body": b"one ", "more_body": True},
        {"type": "http.request", "body": b"two", "more_body": False},
    ]
    answers = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        answers.append(message)

    await gate(scope, receive, send)
    return answers


async def test_whoever_is_known_goes_on_with_a_body_that_is_still_there(behind, metrics):
    for reads_body in (False, True):
        asked = Asked(reads_body=reads_body)
        assert not await sent(gate_of(behind, metrics, asked), "/threads/7", polite=True)
        (seen,) = asked.seen
        assert seen[:3] == ("GET", "/threads/7", {"thread_id": "7"})
        assert seen[3] == (b"one two" if reads_body else b"")
    assert behind.answered == [(User("ann"), b"one two")] * 2


async def test_whoever_is_not_is_answered_and_counted(behind, metrics):
    start, body = await sent(gate_of(behind, metrics, Asked()), "/threads/7")
    assert start["status"] == 401
    assert (b"www-authenticate", b"Bearer") in start["headers"]
    assert body["body"] == b'{"detail":"Say please"}'
    assert behind.answered == []
    assert metrics.counts == [{"reason": "missing"}]


async def test_a_web_socket_is_asked_too(behind, metrics):
    gate = gate_of(behind, metrics, Asked())
    (closed,) = await sent(gate, "/threads/7", kind="websocket")
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert behind.answered == []
    assert not await sent(gate, "/threads/7", kind="websocket", polite=True)
    assert behind.answered == [(User("ann"), b"")]


@pytest.mark.parametrize("path", ["/", "/ok", "/info", "/metrics", "/docs", "/openapi.json"])
async def test_open_paths_ask_nobody(behind, metrics, path):
    asked = Asked()
    assert not await sent(gate_of(behind, metrics, asked), path)
    assert asked.seen == []


@pytest.mark.parametrize("path", ["/ok/", "//ok", "/OK", "/ok/x", "/docs/threads"])
async def test_what_only_looks_like_an_open_path_asks(behind, metrics, path):
    assert (await sent(gate_of(behind, metrics, Asked()), path))[0]["status"] == 401


async def test_a_route_of_the_users_asks_unless_it_was_said_to_be_open(behind, metrics):
    for path in ("/info", "/cheeses"):
        gate = gate_of(behind, metrics, Asked(), custom=path)
        assert (await sent(gate, path))[0]["status"] == 401
        assert not await sent(gate_of(behind, metrics, Asked(), custom=path, is_open=True), path)
