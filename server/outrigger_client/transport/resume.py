"""A stream over as many connections as it takes, as steps; see docs/client.md for the rules.

What is delivered is whole events, each once and in order. A stream that cannot keep that promise
ends with `StreamLost`, never with a silent gap. An end that looks clean is asked about, because a
proxy that gives up on a connection may make it look so.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any, TypeAlias

import httpx
import orjson

from outrigger_client.errors import StreamLost
from outrigger_client.events import StreamGap, StreamResumed
from outrigger_client.transport.answers import EVENT_STREAM, is_event_stream
from outrigger_client.transport.exchange import (
    FROM_THE_START,
    LAST_EVENT,
    Exchanger,
    Lost,
    Pause,
    Send,
)
from outrigger_client.transport.frames import Frame, FrameReader
from outrigger_client.transport.pauses import pause_after
from outrigger_client.transport.places import following, run_path
from outrigger_client.transport.routes import body_of, route_of

_OF_A_RUN = re.compile(r".*/runs/(?:[^/]+/)?stream")
_OF_A_THREAD = re.compile(r".*/threads/[^/]+/stream")
_NUMBERED = re.compile(r"(\d+)-(\d+)")
_LAST_WORDS = frozenset({"interrupted", "rolled_back", "timeout"})
_NOT_THE_END = frozenset({"ServerStopping", "SlowReader"})
"""Errors that are about the connection; the run goes on."""
_IN_FLIGHT = frozenset({"pending", "running"})


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand bytes to whoever reads the stream; answered by None."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """Read on; answered by bytes, by None at a clean end, or by `Lost`."""

    response: httpx.Response


@dataclass(frozen=True, slots=True)
class Close:
    """Be done with a connection; answered by None."""

    response: httpx.Response


Following: TypeAlias = Generator[Emit | Read | Close | Send | Pause, Any, None]


class End(Enum):
    """How a connection ended."""

    FINAL = "final"
    """With the last event of the stream."""
    CLEAN = "clean"
    BROKEN = "broken"


@dataclass
class Follower:
    """Follows one stream to its end."""

    exchanger: Exchanger
    request: httpx.Request
    first: httpx.Response
    place: str
    """The path to come back to."""
    run: str | None
    """The path of the run's row; None for the stream of a thread, which has no end."""
    last_id: str | None = None
    """Behind which event to go on."""
    delivered: bool = False
    """True once there was an event."""
    named: bool = True
    """False once an event came without an id."""
    fruitless: int = 0
    """Connections in a row that brought nothing."""
    reason: str = "closed"
    """Why the last connection ended."""
    broke: BaseException | None = None
    confirming: bool = False
    """True on a connection made only because the run is known to be over."""
    _came_back: bool = field(default=False, init=False)
    _seen: bool = field(default=False, init=False)
    """True once this connection has brought an event."""

    def steps(self) -> Following:
        """The whole stream.

        Raises:
            StreamLost: It cannot go on without a gap.
        """
        response = self.first
        while True:
            began = self.exchanger.clock()
            end = yield from self._pass_on(response)
            yield Close(response)
            if end is End.FINAL:
                return
            over = end is End.CLEAN and (self.confirming or (yield from self._is_over()))
            if over and not self._may_have_more:
                return
            if not over:
                yield from self._catch_breath(self.exchanger.clock() - began)
            self.confirming, self._came_back = over, True
            response = yield from self._come_back()

    def _pass_on(self, response: httpx.Response) -> Generator[Emit | Read, Any, End]:
        reader, self._seen = FrameReader(), False
        while True:
            chunk: bytes | Lost | None = yield Read(response)
            if chunk is None:
                self.reason, self.broke = "closed", None
                return End.CLEAN
            if isinstance(chunk, Lost):
                self.reason, self.broke = type(chunk.error).__name__, chunk.error
                return End.BROKEN
            for frame in reader.feed(chunk):
                end = yield from self._deliver(frame)
                if end is not None:
                    return end

    def _deliver(self, frame: Frame) -> Generator[Emit, Any, End | None]:
        """Hand one frame on, unless it was there before or is about the connection only."""
        if not frame.is_event:
            yield Emit(frame.raw)
            return None
        kind = frame.value.get("error") if frame.name == "error" else None
        if kind in _NOT_THE_END:
            self.reason, self.broke = str(kind), None
            return End.BROKEN
        if self._came_back and not self._seen and kind == "HTTPException":
            if self.confirming:
                return End.FINAL  # the run has gone with its thread: it was over
            raise StreamLost("the run is gone", self.last_id) from self.broke
        if not _is_behind(frame.id, self.last_id):
            return None
        self._seen = self.delivered = True
        self.fruitless = 0
        self.last_id = frame.id or self.last_id
        final = self._is_final(frame)
        self.named = self.named and (frame.id is not None or final or frame.name == "metadata")
        if frame.name == "metadata" and frame.value.get("status") == "events_lost":
            self.exchanger.hook(StreamGap(route_of(self.place)))
        yield Emit(frame.raw)
        return End.FINAL if final else None

    def _is_final(self, frame: Frame) -> bool:
        if self.run is None:
            return False
        if frame.name in {"error", "end"}:
            return True
        return frame.name == "metadata" and frame.value.get("status") in _LAST_WORDS

    @property
    def _can_be_resumed(self) -> bool:
        """False when events come without ids: nobody could say which were missed."""
        return self.named and (self.delivered is False or self.last_id is not None)

    @property
    def _may_have_more(self) -> bool:
        """False at a clean end behind which no event can be, or none was when it was asked for."""
        if self.last_id is None or not self._can_be_resumed:
            return False
        return self._seen or not self.confirming

    def _is_over(self) -> Generator[Send | Pause, Any, bool]:
        """Ask for the run; one that cannot be asked for is gone. A thread's stream has no end."""
        if self.run is None:
            return False
        request = following(self.request, self.run)
        try:
            answer = yield from self.exchanger.exchange(request)
        except httpx.TransportError as error:
            raise StreamLost("the server cannot be reached", self.last_id) from error
        if answer.status_code != HTTPStatus.OK:
            if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise StreamLost(f"its run is not told: {answer.status_code}", self.last_id)
            return True
        try:
            row = orjson.loads(answer.read())
        except orjson.JSONDecodeError:
            return True
        return not (isinstance(row, dict) and row.get("status") in _IN_FLIGHT)

    def _catch_breath(self, lived_seconds: float) -> Generator[Pause, Any, None]:
        """Wait before coming back, longer each time that a connection brings nothing."""
        retries = self.exchanger.retries
        if lived_seconds >= retries.longest_pause_seconds:
            self.fruitless = 0
        self.fruitless += 1
        pause = pause_after(self.fruitless, None, retries, self.exchanger.dice, spent=0.0)
        if not self._can_be_resumed:
            text = f"{self.reason}, and its events have no ids (stream_resumable=True)"
            raise StreamLost(text, self.last_id) from self.broke
        if pause is None:
            text = f"{self.reason}, {self.fruitless} times without an event"
            raise StreamLost(text, self.last_id) from self.broke
        yield Pause(pause)

    def _come_back(self) -> Generator[Send | Pause, Any, httpx.Response]:
        wanted = {"accept": EVENT_STREAM}
        if self.last_id is not None:
            wanted[LAST_EVENT] = self.last_id
        request = following(self.request, self.place, query=self._query, headers=wanted)
        try:
            response = yield from self.exchanger.exchange(request)
        except httpx.TransportError as error:
            raise StreamLost("the server cannot be reached", self.last_id) from error
        if not is_event_stream(response):
            raise StreamLost(f"the server answers {response.status_code}", self.last_id)
        if not self.confirming:
            route = route_of(self.place)
            self.exchanger.hook(StreamResumed(route, self.reason, self.last_id))
        return response

    @property
    def _query(self) -> bytes:
        return self.request.url.query if self.request.method == "GET" else b""


def _is_behind(event_id: str | None, last_id: str | None) -> bool:
    """False for an event that was delivered before; ids that are no numbers are believed."""
    new, old = _NUMBERED.fullmatch(event_id or ""), _NUMBERED.fullmatch(last_id or "")
    if new is None or old is None:
        return True
    return (int(new[1]), int(new[2])) > (int(old[1]), int(old[2]))


def follower(
    exchanger: Exchanger, request: httpx.Request, response: httpx.Response
) -> Follower | None:
    """Who follows this answer; None when it is no stream of a run or a thread."""
    path = request.url.path
    if not is_event_stream(response):
        return None
    last_id = request.headers.get(LAST_EVENT)
    if request.method == "GET" and _OF_A_THREAD.fullmatch(path):
        return Follower(exchanger, request, response, path, None, last_id)
    if not _OF_A_RUN.fullmatch(path):
        return None
    if request.method == "GET":
        run = path.removesuffix("/stream")
        return Follower(exchanger, request, response, path, run, last_id)
    found = run_path(request, response.headers)
    if found is None:
        return None
    resumable = bool(body_of(request).get("stream_resumable"))
    start = FROM_THE_START if resumable else None
    return Follower(exchanger, request, response, f"{found}/stream", found, start, named=resumable)
