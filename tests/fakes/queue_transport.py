"""A server whose capacity is known, in simulated time: a queue with a fixed service rate.

The real-time one is `queue_server.py`. Each run takes `1 / rate` seconds when its turn has come. In
a freeze, from one moment to another in seconds after the beginning, nothing is answered.
`refuses` answers creates with this status. After `dies` requests nothing is answered any more. It
answers what a conversation asks and nothing else.
"""

import json
from collections.abc import Mapping

from fakes.graph_server.clock import NANOSECONDS, SimulatedClock
from outrigger_loadtests.client.transport import Answer

TRAVEL_SECONDS = 0.001


class QueueTransport:
    """See `Transport`."""

    def __init__(
        self,
        clock: SimulatedClock,
        rate: float = 0.0,
        freeze: tuple[float, float] = (0.0, 0.0),
        refuses: int = 0,
        dies: int = 1 << 30,
    ) -> None:
        self.requests = 0
        self._clock = clock
        self._began = clock.now()
        self._service = round(NANOSECONDS / rate) if rate else 0
        self._freeze = freeze
        self._refuses = refuses
        self._dies = dies
        self._free = 0

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
        self._travel()
        if self.requests >= self._dies:
            return Answer(0, error="connection refused", reached=False)
        return Answer(200, {}, json.dumps({"thread_id": self._next("thread")}).encode())

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
    ) -> "QueueStream":
        self._travel()
        if self._refuses:
            return QueueStream(self._clock, Answer(self._refuses), [], 0)
        assert body is not None
        token = json.loads(body)["input"]["token"]
        self._free = max(self._free, self._clock.now()) + self._service
        place = f"/threads/x/runs/{self._next('run')}"
        marks = [f"{token}:{step}" for step in ("input", "first", "middle", "last")]
        data = json.dumps({"last": {"log": marks}})
        lines = [b"event: updates\n", f"data: {data}\n".encode(), b"\n"]
        return QueueStream(self._clock, Answer(200, {"content-location": place}), lines, self._free)

    def _travel(self) -> None:
        self._clock.sleep(TRAVEL_SECONDS)
        begin, end = self._freeze
        since = (self._clock.now() - self._began) / NANOSECONDS
        if begin <= since < end:
            self._clock.sleep(end - since)

    def _next(self, kind: str) -> str:
        self.requests += 1
        return f"{self.requests:08x}-0000-4000-8000-{'1' if kind == 'run' else '2'}00000000000"


class QueueStream:
    """See `Stream`. Its lines come when the run is done."""

    def __init__(self, clock: SimulatedClock, head: Answer, lines: list[bytes], done: int) -> None:
        self.head = head
        self._clock = clock
        self._lines = lines
        self._done = done

    def read_line(self) -> bytes:
        self._clock.sleep(max(0, self._done - self._clock.now()) / NANOSECONDS)
        return self._lines.pop(0) if self._lines else b""

    def close(self) -> None:
        self._lines.clear()
