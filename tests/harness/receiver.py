"""A receiver of webhooks on loopback: keeps what it is sent, answers as it is told."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DEADLINE_SECONDS = 20.0


@dataclass(frozen=True)
class Call:
    """One request; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers with the next of `statuses`, then with 200; a hung one does not answer."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)
    hung: threading.Event = field(default_factory=threading.Event)
    """Set to let answers go."""

    def wait_for(self, count: int, path: str | None = None) -> list[Call]:
        """The calls, at least `count` of them; fail when they do not come."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        with self.news:
            while len(found := self.of(path)) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(found)} of {count} calls came"
                self.news.wait(left)
        return found

    def of(self, path: str | None) -> list[Call]:
        return [call for call in self.calls if path in (None, call.path)]

    def took(self, call: Call) -> int:
        """Note a call and say what to answer."""
        with self.news:
            self.calls.append(call)
            self.news.notify_all()
            status = self.statuses.pop(0) if self.statuses else 200
        assert self.hung.wait(DEADLINE_SECONDS)
        return status


@contextmanager
def started_receiver(statuses: Sequence[int] = ()) -> Iterator[Receiver]:
    """Listen until the block ends."""
    receiver = Receiver(statuses=list(statuses))
    receiver.hung.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.took(Call(self.path, headers, body))
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815  the base class looks for this name

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.hung.set()
        server.shutdown()
        server.server_close()
