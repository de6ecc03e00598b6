"""A way to an HTTP server on which requests and answers get lost, late or replaced, as planned.

It passes bytes on as they are; of HTTP it knows where a request ends, and what a test marks.
"""

import re
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

LONGEST_HOLD = 30.0  # seconds: a test that forgets to let go fails and does not hang
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass
class Fault:
    """What happens to the next `times` requests whose first line matches `line`."""

    line: str = ""
    times: int = 1
    before: bool = False
    """Close the connection before the request has arrived."""
    cut_at: bytes | None = None
    """Close the connection when these bytes are in the answer: behind them, or before any byte of
    the answer when it is empty."""
    clean: bool = False
    """Let the cut look like a regular end."""
    silent_at: bytes | None = None
    """Say nothing more, and leave the connection open, behind these bytes."""
    held_until: threading.Event | None = None
    """Hold the request back until then; `happened` says that it has come."""
    answer: tuple[int, Mapping[str, str]] | None = None
    """Answer with this code and these headers in place of the server."""
    body: bytes = b'{"detail":"as planned"}'
    """What that answer says."""
    happened: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Seen:
    """A request that a client has sent."""

    line: str
    head: bytes

    def header(self, name: str) -> str | None:
        """One of its headers."""
        found = re.search(rf"\r\n{name}: *([^\r]*)".encode(), self.head, re.IGNORECASE)
        return found[1].decode() if found else None


class TcpProxy:
    """Passes requests on to `url`; with `hidden` the server never sees these headers.

    A connection carries one request, or with `keep_alive` as many as come, over one to the server.
    """

    def __init__(self, url: str, *, hidden: Sequence[str] = (), keep_alive: bool = False) -> None:
        self._server = (urlsplit(url).hostname or "", urlsplit(url).port or 80)
        self._keep_alive = keep_alive
        self._hidden = [re.compile(rf"\r\n{name}:[^\r]*".encode(), re.I) for name in hidden]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for each in self._open:
                _end(each)
        for thread in self._threads:
            thread.join(5)

    def plan(self, line: str, **what: object) -> Fault:
        """Do this to the next requests that begin with a line like `line`, a pattern."""
        fault = Fault(line, **what)  # type: ignore[arg-type]  # the fields' own types
        with self._lock:
            self.faults.append(fault)
        return fault

    def lines(self, pattern: str = "") -> list[str]:
        """The first lines of the requests so far, as `POST /threads`, that match."""
        return [seen.line for seen in self.seen if re.search(pattern, seen.line)]

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]  # a function
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        """All requests of one connection."""
        with self._lock:
            self._open.add(client)
        with client, suppress(OSError):
            if self._keep_alive:
                self._pass_all(client)
            else:
                request = _whole_request(client)
                while request is not None and self._carry_out(client, *request):
                    request = _whole_request(client)
            _end(client)
        with self._lock:
            self._open.discard(client)

    def _pass_all(self, client: socket.socket) -> None:
        with socket.create_connection(self._server) as server:
            self._start(_pump, server, client)
            while (request := _whole_request(client)) is not None:
                self._matching(request[0])
                server.sendall(b"".join(request))
            _end(server)

    def _matching(self, head: bytes) -> Fault | None:
        line = head.split(b"\r\n", 1)[0].decode().removesuffix(" HTTP/1.1")
        with self._lock:
            self.seen.append(Seen(line, head))
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.line, line):
                    fault.times -= 1
                    return fault
        return None

    def _carry_out(self, client: socket.socket, head: bytes, body: bytes) -> bool:
        """Serve one request; False when the connection is over."""
        fault = self._matching(head)
        if fault is not None and fault.held_until is not None:
            fault.happened.set()
            fault.held_until.wait(LONGEST_HOLD)
        if fault is not None and fault.before:
            fault.happened.set()
            return False
        if fault is not None and fault.answer is not None:
            code, headers = fault.answer
            told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            start = f"HTTP/1.1 {code} Planned\r\n{told}content-type: application/json\r\n"
            client.sendall(
                f"{start}content-length: {len(fault.body)}\r\n\r\n".encode() + fault.body
            )
            fault.happened.set()
            return True
        with socket.create_connection(self._server) as server:
            with self._lock:
                self._open.add(server)
            try:
                for hidden in self._hidden:
                    head = hidden.sub(b"", head)
                server.sendall(head.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n") + body)
                return self._pass_back(client, server, fault or Fault())
            finally:
                with self._lock:
                    self._open.discard(server)

    def _pass_back(self, client: socket.socket, server: socket.socket, fault: Fault) -> bool:
        """Pass the answer on until it ends or the fault does; the connection is over either way."""
        answer, sent = b"", 0
        mark = fault.silent_at if fault.silent_at is not None else fault.cut_at
        while data := server.recv(65536):
            answer += data
            shown = _as_one_body(answer) if fault.clean else answer
            place = -1 if mark is None else shown.find(mark)
            if mark is None or place < 0:
                client.sendall(_piece(shown, sent, len(shown), fault))
                sent = len(shown)
                continue
            end = place + len(mark) if mark else 0
            client.sendall(_piece(shown, sent, end, fault))
            if fault.clean:
                client.sendall(b"0\r\n\r\n")
            fault.happened.set()
            if fault.silent_at is not None:
                client.recv(1)  # until the client gives up
            return False
        return False


def _piece(shown: bytes, start: int, end: int, fault: Fault) -> bytes:
    """The bytes from `start` to `end`; of a clean answer as chunks of the proxy's own."""
    if not fault.clean:
        return shown[start:end]
    head = shown.find(b"\r\n\r\n") + 4
    first, body = shown[start : min(end, head)], shown[max(start, head) : end]
    return first + (f"{len(body):x}\r\n".encode() + body + b"\r\n" if body else b"")


def _whole_request(client: socket.socket) -> tuple[bytes, bytes] | None:
    """The next request's head and body; None when the client has left."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = client.recv(65536)
        if not data:
            return None
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    while len(body) < (int(found[1]) if found else 0):
        data = client.recv(65536)
        if not data:
            return None
        body += data
    return head + b"\r\n\r\n", body


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


def _as_one_body(answer: bytes) -> bytes:
    """The head and what has come of the body, without the sizes of its chunks."""
    head, mark, body = answer.partition(b"\r\n\r\n")
    if not mark:
        return b""  # not even the head is whole
    assert _CHUNKED.search(head), "only a chunked answer can be ended anywhere"
    parts = [head, mark]
    while b"\r\n" in body:
        size, _, body = body.partition(b"\r\n")
        parts.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(parts)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
