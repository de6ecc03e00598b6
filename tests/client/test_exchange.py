"""The rules of repeating, without a network: what is sent after what."""

from collections.abc import Iterable
from random import Random

import httpx
import pytest

from outrigger_client.errors import BadSettings, OutcomeUnknown
from outrigger_client.settings import ClientSettings, Pool, Retries, Timeouts
from outrigger_client.transport.answers import Done, advance
from outrigger_client.transport.exchange import Exchanger, Lost, Outcome, Pause, Send
from outrigger_client.transport.pauses import backoff, pause_after, retry_after
from outrigger_client.transport.routes import Repeat, repeat_of, route_of

URL = "http://server"
NEVER_SENT = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("late"),
    httpx.PoolTimeout("full"),
]
MAYBE_DONE = [httpx.ReadError("cut"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut")]


def carried_out(
    request: httpx.Request, outcomes: Iterable[Outcome], **settings: object
) -> tuple[httpx.Response, list[Send | Pause]]:
    """The answer, and every step; outcomes are given one after the other."""
    retries = Retries(**settings)  # type: ignore[arg-type]  # the fields' own types
    exchanger = Exchanger(retries, Timeouts(), dice=Random(1), clock=lambda: 0.0)
    steps, taken, coming = exchanger.exchange(request), [], iter(outcomes)
    step = advance(steps, None)
    while not isinstance(step, Done):
        taken.append(step)
        step = advance(steps, next(coming) if isinstance(step, Send) else None)
    return step.value, taken


def sent(steps: list[Send | Pause]) -> list[str]:
    return [f"{s.request.method} {s.request.url.path}" for s in steps if isinstance(s, Send)]


@pytest.mark.parametrize("error", NEVER_SENT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("path", ["/threads/t/state", "/threads/t/runs", "/runs/batch", "/mine"])
def test_what_was_never_sent_is_sent_again_whatever_it_is(
    error: httpx.TransportError, path: str
) -> None:
    request = httpx.Request("POST", URL + path, json={})
    answer, steps = carried_out(request, [Lost(error), httpx.Response(200)])
    assert answer.status_code == 200
    assert sent(steps) == [f"POST {path}"] * 2


@pytest.mark.parametrize("error", MAYBE_DONE, ids=lambda error: type(error).__name__)
def test_what_may_have_been_done_is_not_done_twice(error: httpx.TransportError) -> None:
    request = httpx.Request("POST", f"{URL}/threads/t/state", json={})
    with pytest.raises(OutcomeUnknown) as raised:
        carried_out(request, [Lost(error)])
    assert raised.value.__cause__ is error
    assert raised.value.definite is False


def test_a_server_is_asked_for_keys_only_when_it_matters_and_once() -> None:
    exchanger = Exchanger(Retries(), Timeouts(), dice=Random(1))
    lost = Lost(httpx.ReadError("cut"))
    flags = httpx.Response(200, json={"flags": {"idempotency_keys": True}})
    for outcomes in ([lost, flags, httpx.Response(200)], [lost, httpx.Response(200)]):
        steps = exchanger.exchange(httpx.Request("POST", f"{URL}/prefix/threads/t/runs", json={}))
        taken, step = [], advance(steps, None)
        coming = iter(outcomes)
        while not isinstance(step, Done):
            taken.append(step)
            step = advance(steps, next(coming) if isinstance(step, Send) else None)
        asked = ["GET /prefix/info"] if flags in outcomes else []
        assert sent(taken) == ["POST /prefix/threads/t/runs", *asked, "POST /prefix/threads/t/runs"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(500),
        httpx.Response(200, content=b"hello"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"flags": {}}),
        Lost(httpx.ConnectError("refused")),
    ],
    ids=repr,
)
def test_a_server_that_does_not_say_it_knows_keys_is_not_believed_to(answer: Outcome) -> None:
    request = httpx.Request("POST", f"{URL}/threads", json={})
    lost = Lost(httpx.ReadError("cut"))
    with pytest.raises(OutcomeUnknown):
        carried_out(request, [lost, *[answer] * 3], tries=3)


def test_nothing_is_sent_beyond_the_tries_or_the_budget() -> None:
    request = httpx.Request("GET", f"{URL}/threads/t")
    away = httpx.Response(503)
    assert len(sent(carried_out(request, [away] * 9, tries=5)[1])) == 5
    short = {"budget_seconds": 0.5, "first_pause_seconds": 1.0}
    assert len(sent(carried_out(request, [away] * 9, **short)[1])) == 1


def test_an_error_of_the_servers_own_is_not_asked_for_twice() -> None:
    for code in (400, 404, 409, 410, 422, 500, 501):
        request = httpx.Request("GET", f"{URL}/threads/t")
        answer, steps = carried_out(request, [httpx.Response(code)])
        assert (answer.status_code, len(steps)) == (code, 1)


def test_pauses_double_up_to_a_limit_and_are_half_chance() -> None:
    retries, dice = Retries(first_pause_seconds=1.0, longest_pause_seconds=6.0), Random(1)
    for number, whole in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 6.0), (400, 6.0)):
        drawn = [backoff(number, retries, dice) for _ in range(200)]
        assert whole / 2 <= min(drawn) < whole * 0.55
        assert whole * 0.95 < max(drawn) <= whole


def test_a_pause_is_at_least_what_is_asked_for() -> None:
    retries = Retries(tries=3)
    assert pause_after(1, 30.0, retries, Random(1), spent=0.0) == 30.0
    assert pause_after(1, 30.0, retries, Random(1), spent=31.0) is None
    assert pause_after(1, 61.0, retries, Random(1), spent=0.0) is None
    assert pause_after(3, None, retries, Random(1), spent=0.0) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        (
            {
                "retry-after": "Mon, 23 Nov 2026 10:00:09 GMT",
                "date": "Mon, 23 Nov 2026 10:00:00 GMT",
            },
            9.0,
        ),
        (
            {
                "retry-after": "Mon, 23 Nov 2026 09:00:00 GMT",
                "date": "Mon, 23 Nov 2026 10:00:00 GMT",
            },
            0.0,
        ),
    ],
)
def test_a_server_may_ask_for_a_pause_in_seconds_or_by_a_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("method", "path", "repeat"),
    [
        ("GET", "/threads/t", Repeat.SAFE),
        ("GET", "/my/own", Repeat.SAFE),
        ("PUT", "/store/items", Repeat.SAFE),
        ("DELETE", "/threads/t/runs/r", Repeat.SAFE),
        ("PATCH", "/threads/t", Repeat.SAFE),
        ("PATCH", "/assistants/a", Repeat.ONCE),
        ("POST", "/threads", Repeat.KEYED),
        ("POST", "/api/threads/t/runs", Repeat.KEYED),
        ("POST", "/threads/t/runs/wait", Repeat.KEYED),
        ("POST", "/runs/stream", Repeat.KEYED),
        ("POST", "/runs/batch", Repeat.ONCE),
        ("POST", "/runs/crons", Repeat.ONCE),
        ("POST", "/threads/t/runs/crons", Repeat.ONCE),
        ("POST", "/runs/crons/search", Repeat.SAFE),
        ("POST", "/threads/search", Repeat.SAFE),
        ("POST", "/threads/t/history", Repeat.SAFE),
        ("POST", "/threads/t/state", Repeat.ONCE),
        ("POST", "/threads/t/state/checkpoint", Repeat.SAFE),
        ("POST", "/threads/t/copy", Repeat.ONCE),
        ("POST", "/threads/t/runs/r/cancel", Repeat.SAFE),
        ("POST", "/threads/t/commands", Repeat.ONCE),
        ("POST", "/assistants", Repeat.ONCE),
        ("POST", "/assistants/a/latest", Repeat.SAFE),
        ("POST", "/my/own/search", Repeat.ONCE),
    ],
)
def test_which_requests_are_safe_twice(method: str, path: str, repeat: Repeat) -> None:
    assert repeat_of(httpx.Request(method, URL + path, json={})) is repeat


def test_a_body_that_is_made_as_it_is_sent_is_sent_once() -> None:
    request = httpx.Request("PUT", f"{URL}/store/items", content=iter([b"a"]))
    assert repeat_of(request) is Repeat.ONCE


def test_routes_are_few() -> None:
    assert route_of("/threads/01a2/runs/01a3/stream") == "/threads/{id}/runs/{id}/stream"
    assert route_of("/") == "/"
    assert route_of("/my/" + "x/" * 50).count("{id}") == 8


@pytest.mark.parametrize("part", [Retries, Pool, Timeouts, ClientSettings])
def test_settings_that_make_no_sense_are_refused(part: type) -> None:
    for name in part.__dataclass_fields__:
        if not isinstance(getattr(part(), name), (int, float)):
            continue
        with pytest.raises(BadSettings, match=f"{part.__name__}.{name}: -1"):
            part(**{name: -1})
