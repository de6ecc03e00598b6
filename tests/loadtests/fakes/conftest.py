"""A world in simulated time: a clock, a fake server, and a plain client of it."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import orjson
import pytest

from fakes.graph_server.bugs import CORRECT, Bugs
from fakes.graph_server.clock import SimulatedClock
from fakes.graph_server.server import FakeServer
from fakes.graph_server.transport import SimulatedStream, SimulatedTransport
from outrigger_loadtests.client.transport import Answer

PATIENCE = 30.0
READING = 60_000_000_000


class World:
    """One server and one client. Everything that was answered stands in `transcript`."""

    def __init__(self, seed: int = 0, bugs: Bugs = CORRECT, weather: float = 0.0) -> None:
        self.random = Random(seed)
        self.clock = SimulatedClock()
        self.server = FakeServer(self.clock, self.random, bugs)
        self.transport = SimulatedTransport(self.server, self.clock, self.random, weather=weather)
        self.transcript: list[tuple[str, str, int, bytes]] = []
        self.tokens = 0

    def call(self, method: str, path: str, body: Any = None, timeout: float = PATIENCE) -> Answer:
        sent = None if body is None else orjson.dumps(body)
        answer = self.transport.request(method, path, sent, name="any", timeout=timeout)
        self.transcript.append((method, path, answer.status, answer.body))
        return answer

    def get(self, path: str) -> Any:
        return orjson.loads(self.call("GET", path).body)

    def thread(self) -> str:
        """Make a thread and return its path."""
        made = orjson.loads(self.call("POST", "/threads", {}).body)
        return f"/threads/{made['thread_id']}"

    def body(self, strategy: str, seconds: float = 0.3, **more: Any) -> dict[str, Any]:
        """The body of a run's creation, with a token of its own, or an answer with `resume`."""
        token = more.pop("token", None) or f"x1-0-{self.tokens}"
        self.tokens += 1
        given = {
            "log": [f"{token}:input"],
            "token": token,
            "seconds": seconds,
            "ask": more.pop("ask", False),
            "linger": more.pop("linger", 0.0),
        }
        resume = more.pop("resume", None)
        start = {"command": {"resume": resume}} if resume else {"input": given}
        return {
            "assistant_id": more.pop("probe", "probe_async"),
            **start,
            "multitask_strategy": strategy,
            "stream_mode": ["values", "updates"],
            "stream_resumable": True,
            **more,
        }

    def create(self, thread: str, strategy: str = "enqueue", **more: Any) -> str:
        """Create a run and return its path; empty when it was refused."""
        answer = self.call("POST", f"{thread}/runs", self.body(strategy, **more))
        return answer.headers["content-location"] if answer.status == 200 else ""

    def together(self, calls: Sequence[Callable[[], None]]) -> None:
        for task in [self.clock.start(call) for call in calls]:
            task.join()

    def storm(self, thread: str, strategy: str, size: int, **more: Any) -> list[str]:
        """Create runs at the same moment; their paths, empty ones for refused runs."""
        made: list[str] = []
        self.together([lambda: made.append(self.create(thread, strategy, **more))] * size)
        return made

    def stream(self, path: str, after: str = "-1", timeout: float = PATIENCE) -> SimulatedStream:
        headers = {"Last-Event-ID": after}
        return self.transport.stream(
            "GET", f"{path}/stream", name="any", timeout=timeout, headers=headers
        )

    def read(self, stream: SimulatedStream) -> list[str]:
        """Read a stream to its end, but not for ever, and return its lines."""
        lines = []
        until = self.clock.now() + READING
        while (line := stream.read_line()) and self.clock.now() < until:
            lines.append(line.decode())
        self.transcript.append(("READ", "", stream.head.status, "".join(lines).encode()))
        return lines

    def status(self, run: str) -> str:
        answer = self.call("GET", run)
        return "gone" if answer.status == 404 else orjson.loads(answer.body)["status"]

    def rest(self, thread: str) -> dict[str, Any]:
        """Wait until nothing is in flight on the thread and return it."""
        for _ in range(60):
            shown: dict[str, Any] = self.get(thread)
            if shown["status"] != "busy":
                return shown
            self.clock.sleep(1.0)
        return shown

    def runs(self, thread: str) -> list[dict[str, Any]]:
        """The thread's runs, oldest first."""
        return self.get(f"{thread}/runs?limit=100&offset=0")[::-1]

    def history(self, thread: str) -> list[dict[str, Any]]:
        """The thread's checkpoints, oldest first."""
        answer = self.call("POST", f"{thread}/history", {"limit": 1000})
        return orjson.loads(answer.body)[::-1]

    def log(self, thread: str) -> list[str]:
        """The log at the thread's head, without the tokens' common beginning."""
        values = self.get(f"{thread}/state")["values"]
        return [each.removeprefix("x1-0-") for each in values.get("log", ())]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def new_world() -> type[World]:
    return World
