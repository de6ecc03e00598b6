"""The network between client and server in simulated time: it delays, and when told to, breaks.

Each direction of each request takes a time of its own, so requests that are sent together arrive
in any order.
"""

from collections.abc import Mapping
from functools import partial
from random import Random

from fakes.graph_server.clock import NANOSECONDS, SimulatedClock
from fakes.graph_server.events import HEARTBEAT, HEARTBEAT_SECONDS, EventLog
from fakes.graph_server.server import FakeServer
from fakes.graph_server.wire import Request, Response, TimedOut
from outrigger_loadtests.client.transport import Answer, StreamBroken, StreamSilent

USUAL_SECONDS = (0.0002, 0.03)
SLOW_SECONDS = 0.1
SLOW_SHARE = 0.02
TIMED_OUT = Answer(0, error="timed out")
RESET = Answer(0, error="connection reset")
CRASHED = Answer(500, {"content-type": "application/json"}, b'{"detail":"Internal Server Error"}')
BREAKS_BEHIND = 6  # lines


class SimulatedTransport:
    """See `Transport`. `weather`: the share of requests on a thread that end in the dark.

    Half of those reached the server and had their effect. It may be changed at any time.
    """

    def __init__(
        self,
        server: FakeServer,
        clock: SimulatedClock,
        random: Random,
        *,
        weather: float = 0.0,
    ) -> None:
        self._server = server
        self._clock = clock
        self._random = random
        self.weather = weather

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        name: str,
        timeout: float,
        expected: frozenset[int] = frozenset(),
    ) -> Answer:
        sent = self._request(method, path, body, timeout, {})
        if self._breaks(path):
            return self._in_the_dark(sent)
        answer = self._exchange(sent)
        return (
            answer
            if isinstance(answer, Answer)
            else Answer(answer.status, answer.headers, answer.body)
        )

    def stream(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        name: str,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        expected: frozenset[int] = frozenset(),
    ) -> "SimulatedStream":
        lowered = {key.lower(): value for key, value in (headers or {}).items()}
        sent = self._request(method, path, body, timeout, lowered)
        lines_left = -1
        if self._breaks(path):
            if self._random.random() < 0.5:
                return SimulatedStream(self._clock, self._in_the_dark(sent), timeout)
            lines_left = self._random.randrange(BREAKS_BEHIND)
        answer = self._exchange(sent)
        if isinstance(answer, Answer):
            return SimulatedStream(self._clock, answer, timeout)
        if answer.status >= 300:
            head = Answer(answer.status, answer.headers, answer.body)
            return SimulatedStream(self._clock, head, timeout)
        stream = SimulatedStream(self._clock, Answer(answer.status, answer.headers), timeout)
        stream.read_from(answer, self._travel(), lines_left)
        return stream

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        timeout: float,
        headers: Mapping[str, str],
    ) -> Request:
        deadline = self._clock.now() + round(timeout * NANOSECONDS)
        return Request(method, path, body, headers, deadline)

    def _exchange(self, request: Request) -> Answer | Response:
        """Send the request, let the server answer, and let the answer travel back."""
        there = self._travel()
        left = (request.deadline - self._clock.now()) / NANOSECONDS
        if there >= left:
            self._clock.background(partial(self._arrive, request, there))
            self._clock.sleep(left)
            return TIMED_OUT
        self._clock.sleep(there)
        try:
            response = self._server.answer(request)
        except TimedOut:
            return TIMED_OUT
        back = self._travel()
        left = (request.deadline - self._clock.now()) / NANOSECONDS
        self._clock.sleep(min(back, max(0.0, left)))
        return TIMED_OUT if back > left else response

    def _arrive(self, request: Request, later: float) -> None:
        """Let the request have its effect though nobody waits for the answer."""
        self._clock.sleep(later)
        request.deadline = self._clock.now()
        try:
            self._server.answer(request)
        except TimedOut:
            return

    def _breaks(self, path: str) -> bool:
        if not self.weather or not path.startswith("/threads/"):
            return False
        return self._random.random() < self.weather

    def _in_the_dark(self, request: Request) -> Answer:
        there = self._travel()
        if self._random.random() < 0.5:
            self._clock.background(partial(self._arrive, request, there))
        self._clock.sleep(there + self._travel())
        return RESET if self._random.random() < 0.5 else CRASHED

    def _travel(self) -> float:
        if self._random.random() < SLOW_SHARE:
            return SLOW_SECONDS
        return self._random.uniform(*USUAL_SECONDS)


class SimulatedStream:
    """See `Stream`. Frames arrive as late as the head did, and in order."""

    def __init__(self, clock: SimulatedClock, head: Answer, timeout: float) -> None:
        self.head = head
        self._clock = clock
        self._timeout = timeout
        self._lines: list[bytes] = []  # the next one last
        self._events: EventLog | None = None
        self._place = 0
        self._delay = 0
        self._heartbeat_at = 0
        self._lines_left = -1
        self._closed = False

    def read_from(self, response: Response, delay: float, lines_left: int) -> None:
        """Read the body of a response; it breaks behind `lines_left` lines unless negative."""
        self._events, self._place = response.events, response.place
        self._split(response.body)
        self._delay = round(delay * NANOSECONDS)
        self._heartbeat_at = self._clock.now() + round(HEARTBEAT_SECONDS * NANOSECONDS)
        self._lines_left = lines_left

    def read_line(self) -> bytes:
        if self._lines_left == 0:
            raise StreamBroken("connection reset")
        if not self._lines and not self._closed and self._events is not None:
            self._receive(self._events)
        if not self._lines:
            return b""
        self._lines_left -= 1
        return self._lines.pop()

    def close(self) -> None:
        self._closed = True

    def _receive(self, log: EventLog) -> None:
        """Wait for the next frame, a heartbeat or the end, for as long as the time-out."""
        silent_at = self._clock.now() + round(self._timeout * NANOSECONDS)
        while True:
            now = self._clock.now()
            if self._place < len(log.events):
                event = log.events[self._place]
                self._place += 1
                self._until(event.at + self._delay, silent_at)
                self._split(event.data)
                return
            if log.ended_at is not None:
                self._until(log.ended_at + self._delay, silent_at)
                return
            if now >= silent_at:
                raise StreamSilent("timed out")
            due = silent_at if log.mute else min(silent_at, self._heartbeat_at)
            if now >= self._heartbeat_at and not log.mute:
                self._heartbeat_at += round(HEARTBEAT_SECONDS * NANOSECONDS)
                self._split(HEARTBEAT)
                return
            log.changed.wait((due - now) / NANOSECONDS)

    def _until(self, arrival: int, silent_at: int) -> None:
        now = self._clock.now()
        self._clock.sleep((min(max(arrival, now), silent_at) - now) / NANOSECONDS)

    def _split(self, data: bytes) -> None:
        self._lines = data.splitlines(keepends=True)[::-1]
