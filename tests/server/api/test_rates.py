"""The limits of rate: who is counted as whom and under which class, and what is answered."""

import pytest
from starlette.requests import Request

from fakes.clock import TurnedClock
from outrigger_server.api.rates import RateGate, caller_in, class_of, limits_of, take_all
from outrigger_server.brokers.in_process import InProcessCounters
from outrigger_server.domain.access import User
from outrigger_server.errors import RateLimited
from outrigger_server.settings import load_settings
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import local_metrics

CREATE, READ = ("POST", "/threads/7/runs"), ("GET", "/threads/7")


class Behind:
    """What is behind the limits."""

    def __init__(self):
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


class Desk:
    """Sends requests through the limits."""

    def __init__(self, **limits):
        environ = {f"OUTRIGGER_RATE_LIMIT_{name.upper()}": each for name, each in limits.items()}
        self.clock, self.behind = TurnedClock(), Behind()
        self.metrics = local_metrics((specs.RATE_LIMITED_TOTAL,))
        self.gate = RateGate(
            self.behind,
            limits_of(load_settings(environ).rates),
            InProcessCounters(self.clock),
            self.clock,
            self.metrics,
        )

    async def send(self, method, path, *, user=None, host="192.0.2.1", kind="http", root=""):
        """The status and the headers of the answer."""
        scope = {"type": kind, "method": method, "path": path, "headers": [], "root_path": root}
        scope["client"] = (host, 5)
        if user is not None:
            scope["user"] = User(user)
        answers = []

        async def send(message):
            answers.append(message)

        await self.gate(scope, None, send)
        headers = {name.decode(): value.decode() for name, value in answers[0]["headers"]}
        return answers[0]["status"], headers, answers[1]["body"]

    def refused(self, route_class):
        return self.metrics.value(specs.RATE_LIMITED_TOTAL, route_class=route_class)


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("POST", "/threads/7/runs", "runs"),
        ("POST", "/threads/7/runs/wait", "runs"),
        ("POST", "/threads/7/runs/stream", "runs"),
        ("POST", "/runs", "runs"),
        ("POST", "/runs/batch", "runs"),
        ("POST", "/runs/stream", "runs"),
        ("GET", "/threads/7/runs/8/join", "holding"),
        ("GET", "/threads/7/runs/8/stream", "holding"),
        ("GET", "/runs/8/stream", "holding"),
        ("GET", "/threads/7/stream", "holding"),
        ("GET", "/threads/7/runs", "plain"),
        ("POST", "/threads/7/runs/8/cancel", "plain"),
        ("POST", "/threads/7/runs/crons", "plain"),
        ("POST", "/threads", "plain"),
        ("PUT", "/store/items", "plain"),
    ],
)
def test_a_request_is_of_the_class_of_what_it_costs(method, path, wanted):
    assert class_of(method, path) == wanted


def test_every_class_is_a_value_of_the_metrics_label():
    (label,) = specs.RATE_LIMITED_TOTAL.labels
    assert label.values == ("runs", "holding", "plain")


async def test_as_many_as_allowed_go_on_and_are_told_what_is_left_then_429():
    desk = Desk(plain="2/minute")
    for left in ("1", "0"):
        status, headers, _ = await desk.send(*READ)
        assert (status, headers["ratelimit-remaining"]) == (200, left)
        assert headers["ratelimit-limit"] == "2"
        assert "retry-after" not in headers
    status, headers, body = await desk.send(*READ)
    assert status == 429
    assert body == (
        b'{"detail":"Too many requests: 2 in 60 seconds are allowed (OUTRIGGER_RATE_LIMIT_PLAIN)"}'
    )
    assert headers["content-type"] == "application/json"
    assert headers["ratelimit-remaining"] == "0"
    assert headers["retry-after"] == headers["ratelimit-reset"]
    assert len(desk.behind.scopes) == 2
    assert (desk.refused("plain"), desk.refused("runs")) == (1, 0)


async def test_who_waits_as_long_as_told_is_let_in():
    desk = Desk(plain="1/minute")
    await desk.send(*READ)
    _, headers, _ = await desk.send(*READ)
    desk.clock.turn(int(headers["retry-after"]))
    assert (await desk.send(*READ))[0] == 200


async def test_each_class_has_its_own_count_and_one_without_a_limit_none():
    desk = Desk(runs="1/hour", plain="1/hour")
    assert [(await desk.send(*each))[0] for each in (CREATE, READ, CREATE, READ)] == [
        *(200, 200, 429, 429)
    ]
    for _ in range(5):
        status, headers, _ = await desk.send("GET", "/threads/7/stream")
        assert (status, headers) == (200, {})


@pytest.mark.parametrize("path", ["/", "/ok", "/info", "/metrics"])
async def test_probes_are_never_refused(path):
    desk = Desk(plain="1/hour")
    for _ in range(3):
        assert (await desk.send("GET", path))[0] == 200
        assert (await desk.send("GET", "/api" + path, root="/api"))[0] == 200
    assert (await desk.send(*READ))[0] == 200


async def test_a_user_is_one_caller_at_any_address_and_others_are_others():
    desk = Desk(plain="1/hour")
    assert (await desk.send(*READ, user="ann"))[0] == 200
    assert (await desk.send(*READ, user="ann", host="192.0.2.9"))[0] == 429
    assert (await desk.send(*READ, user="bob"))[0] == 200
    assert (await desk.send(*READ))[0] == 200


@pytest.mark.parametrize(
    ("host", "caller"),
    [
        ("192.0.2.1", "address 192.0.2.1"),
        ("::ffff:192.0.2.1", "address 192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "address 2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "address 2001:db8:1:2::/64"),
        ("somewhere", "address somewhere"),
    ],
)
def test_an_address_counts_as_what_one_customer_has(host, caller):
    assert caller_in({"client": (host, 5)}) == caller


def test_a_user_that_nothing_has_checked_is_none():
    assert caller_in({"client": ("192.0.2.1", 5), "user": "ann"}) == "address 192.0.2.1"
    assert caller_in({"client": None}) == "address "


async def test_a_batch_counts_as_all_its_runs_and_one_that_is_refused_as_one():
    desk = Desk(runs="10/hour")

    async def batch(size):
        await desk.send("POST", "/runs/batch")
        await take_all(Request(desk.behind.scopes[-1]), size)

    await batch(4)
    with pytest.raises(RateLimited) as caught:
        await batch(8)
    assert caught.value.headers["ratelimit-remaining"] == "5"
    assert "this one asks for 8 at once" in caught.value.message
    assert desk.refused("runs") == 1
    await batch(5)
    assert (await desk.send(*CREATE))[0] == 429


async def test_without_a_limit_a_batch_is_not_counted():
    scope = {"type": "http", "headers": [], "path": "/runs/batch"}
    await take_all(Request(scope), 1000)


async def test_a_web_socket_passes():
    class Socket:
        seen = 0

        async def __call__(self, scope, receive, send):
            self.seen += 1

    desk, socket = Desk(plain="1/hour"), Socket()
    gate = RateGate(socket, desk.gate.limits, desk.gate.counters, desk.clock, desk.metrics)
    for _ in range(3):
        await gate({"type": "websocket", "path": "/ws"}, None, None)
    assert socket.seen == 3
