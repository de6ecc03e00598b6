"""A receiver of traces on loopback: reads what LangSmith's SDK sends into operations."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import zstandard

from outrigger_sidecar.relay.operation import RunOperation

DEADLINE_SECONDS = 30.0
INFO = {
    "version": "0.15.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 4,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20971520,
    },
    "instance_flags": {"zstd_compression_enabled": True},
}


@dataclass
class TraceReceiver:
    """Keeps every operation in the order in which it came."""

    url: str = ""
    operations: list[RunOperation] = field(default_factory=list)
    projects: set[str] = field(default_factory=set)
    news: threading.Condition = field(default_factory=threading.Condition)

    def took(self, operations: list[RunOperation]) -> None:
        with self.news:
            self.operations += operations
            self.news.notify_all()

    def wait_until(self, done: Callable[[list[RunOperation]], bool]) -> list[RunOperation]:
        """What has come by the time that `done` says so; fail when it does not."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        with self.news:
            while not done(self.operations):
                left = deadline - time.monotonic()
                assert left > 0, [op.fields.get("name") for op in self.operations]
                self.news.wait(left)
            return list(self.operations)


def ended_roots(operations: list[RunOperation]) -> list[RunOperation]:
    """The operations that say that a whole trace is over."""
    return [op for op in operations if not op.fields.get("parent_run_id") and ended(op)]


def ended(operation: RunOperation) -> bool:
    return operation.fields.get("end_time") is not None


def operations_of(body: bytes, headers: Mapping[str, str]) -> list[RunOperation]:
    """Read the body of a request to /runs/multipart."""
    if headers.get("content-encoding") == "zstd":
        body = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True).read()
    boundary = headers["content-type"].partition("boundary=")[2].strip('"').encode()
    parts: dict[str, bytes] = {}
    for piece in body.split(b"--" + boundary)[1:-1]:
        head, _, content = piece.strip(b"\r\n").partition(b"\r\n\r\n")
        parts[head.partition(b'name="')[2].partition(b'"')[0].decode()] = content
    return [_operation(name, parts) for name in parts if name.count(".") == 1]


def _operation(name: str, parts: Mapping[str, bytes]) -> RunOperation:
    kind, _, run_id = name.partition(".")
    assert kind in {"post", "patch"}, name
    fields: dict[str, Any] = json.loads(parts[name])
    return RunOperation(
        "post" if kind == "post" else "patch",
        run_id,
        fields["trace_id"],
        fields,
        *(parts.get(f"{name}.{part}") for part in ("error", "extra", "events", "outputs")),
    )


@contextmanager
def started_trace_receiver() -> Iterator[TraceReceiver]:
    """Listen until the block ends."""
    receiver = TraceReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200, INFO)

        def do_POST(self) -> None:
            body = self._body()
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.took(operations_of(body, headers))
            self._answer(202, {})

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def _answer(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
