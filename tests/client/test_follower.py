"""What a stream makes of what servers may say, without a server."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from outrigger_client.errors import StreamLost
from outrigger_client.events import Event, StreamGap, StreamResumed
from outrigger_client.settings import ClientSettings, Retries
from outrigger_client.sync_client import SyncClient

PLACE = "/threads/t/runs/r"
SETTINGS = ClientSettings(retries=Retries(first_pause_seconds=0.001, tries=3))


def event(number: int, data: str = "{}", name: str = "updates") -> str:
    return f"event: {name}\r\ndata: {data}\r\nid: {number}-0\r\n\r\n"


def error(kind: str) -> str:
    return f'event: error\r\ndata: {{"error":"{kind}","message":"."}}\r\n\r\n'


class Script:
    """A server that answers each request for the stream with the next of `bodies`."""

    def __init__(self, *bodies: str, status: str = "success") -> None:
        self.bodies = iter(bodies)
        self.status = status
        self.asked: list[tuple[str, str | None]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, request.headers.get("last-event-id")))
        if request.url.path == PLACE:
            return httpx.Response(200, json={"status": self.status})
        content = next(self.bodies).encode()
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=content)


Read = Callable[[Script], list[Any]]


@pytest.fixture
def heard() -> list[Event]:
    return []


@pytest.fixture
def read(heard: list[Event]) -> Iterator[Read]:
    def read(script: Script) -> list[Any]:
        transport = httpx.MockTransport(script)
        with SyncClient(
            "http://server", settings=SETTINGS, hook=heard.append, transport=transport
        ) as client:
            return list(client.join_stream("t", "r"))

    return read


def ids(parts: list[Any]) -> list[str]:
    return [part.id for part in parts]


def test_an_event_that_comes_again_is_not_delivered_again(read: Read) -> None:
    script = Script(
        event(1) + event(2) + error("ServerStopping"), event(1) + event(2) + event(10), ""
    )
    assert ids(read(script)) == ["1-0", "2-0", "10-0"]


def test_a_reader_that_was_too_slow_comes_back(read: Read, heard: list[Event]) -> None:
    script = Script(event(1) + error("SlowReader"), event(2), "")
    assert ids(read(script)) == ["1-0", "2-0"]
    (resumed,) = [each for each in heard if isinstance(each, StreamResumed)]
    assert (resumed.reason, resumed.last_event_id) == ("SlowReader", "1-0")


def test_events_that_the_server_has_lost_are_told(read: Read, heard: list[Event]) -> None:
    lost = 'event: metadata\r\ndata: {"run_id":"r","status":"events_lost"}\r\n\r\n'
    parts = read(Script(event(1) + lost + event(5), ""))
    assert [part.event for part in parts] == ["updates", "metadata", "updates"]
    assert [each.route for each in heard if isinstance(each, StreamGap)] == [
        "/threads/{id}/runs/{id}/stream"
    ]


@pytest.mark.parametrize(
    "last",
    [
        error("ValueError"),
        "event: end\r\ndata: null\r\n\r\n",
        'event: metadata\r\ndata: {"run_id":"r","status":"rolled_back"}\r\n\r\n',
    ],
)
def test_after_its_last_words_a_stream_is_over(read: Read, last: str) -> None:
    script = Script(event(1) + last + event(2))
    assert len(read(script)) == 2
    assert len(script.asked) == 1


def test_an_end_without_last_words_is_asked_about_until_nothing_more_comes(read: Read) -> None:
    script = Script(event(1), event(2), "")
    assert ids(read(script)) == ["1-0", "2-0"]
    stream = f"{PLACE}/stream"
    assert script.asked == [
        (stream, "-1"),
        (PLACE, None),
        (stream, "1-0"),
        (stream, "2-0"),
    ]


def test_a_run_that_goes_on_while_its_stream_keeps_ending_is_given_up(read: Read) -> None:
    script = Script(*[event(1)] * 9, status="running")
    with pytest.raises(StreamLost, match="3 times without an event"):
        read(script)
    assert [path for path, _ in script.asked].count(f"{PLACE}/stream") == 3


def test_heartbeats_and_long_events_pass_as_they_are(read: Read) -> None:
    text = ": heartbeat\r\n\r\n" + "event: values\ndata: [1,\ndata: 2]\nid: 1-0\n\n"
    (part,) = read(Script(text, ""))
    assert (part.event, part.data) == ("values", [1, 2])


def test_ids_that_are_no_numbers_are_believed(read: Read) -> None:
    text = "".join(f"event: values\ndata: {n}\nid: {n}\n\n" for n in (2, 1))
    assert ids(read(Script(text + error("SlowReader"), "event: end\ndata: null\n\n"))) == [
        "2",
        "1",
        "1",
    ]
