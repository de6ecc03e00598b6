"""A server that only answers /ok; run as a program, so that a test can freeze or kill it.

Writes its port to stdout. With a directory as argument it writes metrics there.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics, open_process_metrics


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"ok":true}'
        self.send_response(200 if self.path == "/ok" else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def count(directory: Path) -> Metrics:
    metrics = open_process_metrics(directory, role="server")
    metrics.increment(specs.FENCED_WRITES_TOTAL, 7, kind="store")
    metrics.observe(specs.THREAD_QUEUE_LENGTH, 2)
    metrics.set(specs.WORKER_SLOTS, 4, state="idle")
    metrics.add(specs.STREAMS_ACTIVE, 3, mode="values")
    return metrics


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    metrics = count(Path(sys.argv[1])) if len(sys.argv) > 1 else None
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
    if metrics:
        metrics.close()


if __name__ == "__main__":
    main()
