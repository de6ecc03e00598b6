"""A stand-in for LangSmith's service: takes in runs, upserts by id, fails as it is told.

A program of its own, so that it can be killed. Everything it took is in its folder:
`taken.jsonl`, a line for each run operation. `say.json` there tells it how to answer:
{"statuses": [503, 429], "retry_after": "1", "hold_seconds": 0}; without it all is well.
It reads multipart with the standard library's own parser, not with ours.
"""

import email.parser
import email.policy
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import zstandard

KEY = "the-key-of-the-upstream"
APART = ("inputs", "outputs", "events", "extra", "error", "serialized")
WAIT_SECONDS = 30.0


@dataclass
class LangSmith:
    """A double as a test holds it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, or come back after a kill, with all that it had."""
        command = [sys.executable, __file__, str(self.folder), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process.stdout.close()
            self.process = None

    def say(self, *statuses: int, retry_after: str = "", hold_seconds: float = 0) -> None:
        """Answer so from now on; without a status all is well."""
        told = {"statuses": statuses, "retry_after": retry_after, "hold_seconds": hold_seconds}
        draft = self.folder / "say.draft"
        draft.write_text(json.dumps(told))
        draft.replace(self.folder / "say.json")

    def taken(self) -> list[dict[str, Any]]:
        """Every operation that was answered with success, or was about to be."""
        written = (self.folder / "taken.jsonl").read_text()
        whole = written[: written.rfind("\n") + 1]  # a line may be on its way to the file
        return [json.loads(line) for line in whole.splitlines()]

    def refused(self) -> int:
        """How many requests were answered with a failure."""
        path = self.folder / "refused"
        return path.stat().st_size if path.exists() else 0

    def runs(self) -> dict[str, dict[str, Any]]:
        """The runs by id, as upserts leave them."""
        runs: dict[str, dict[str, Any]] = {}
        for each in self.taken():
            runs.setdefault(each["id"], {}).update(each["run"])
        return runs

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return once `condition` holds; fail when it does not and nothing more comes."""
        size, since = -1, time.monotonic()
        while not condition():
            if (now := (self.folder / "taken.jsonl").stat().st_size) != size:
                size, since = now, time.monotonic()
            waited = time.monotonic() - since
            assert waited < WAIT_SECONDS, f"waited in vain; {len(self.taken())} taken"
            time.sleep(0.1)

    def wait_for_ended(self, ids: set[str]) -> Counter[tuple[str, str]]:
        """How often each operation came, as (kind, id), once each of `ids` is here as ended."""
        self.wait_until(lambda: ids <= {k for k, run in self.runs().items() if "end_time" in run})
        return Counter((each["kind"], each["id"]) for each in self.taken())


class Service:
    """What the handler of each request shares."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.requests = itertools.count(1)
        self.answers = itertools.count()

    def told(self) -> dict[str, Any]:
        path = self.folder / "say.json"
        return json.loads(path.read_text()) if path.exists() else {"statuses": []}

    def take(self, operations: list[dict[str, Any]]) -> None:
        number = f"{os.getpid()}-{next(self.requests)}"
        lines = [json.dumps({"request": number, **each}) + "\n" for each in operations]
        with self.lock, (self.folder / "taken.jsonl").open("ab", buffering=0) as file:
            file.write("".join(lines).encode())  # one write: whole, whenever this is killed

    def refuse(self) -> None:
        with self.lock, (self.folder / "refused").open("a") as file:
            file.write(".")


def read_multipart(body: bytes, content_type: str) -> list[dict[str, Any]]:
    """Read run operations as the real service does: parts of a run belong together by name."""
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    )
    assert message.is_multipart()
    assert not message.defects
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        kind, identity, *detail = str(name).split(".", 2)
        content = part.get_payload(decode=True)
        run = found.setdefault((kind, identity), {})
        if kind == "attachment":
            run[detail[0]] = content.hex()
        elif detail:
            assert detail[0] in APART, name
            run[detail[0]] = json.loads(content)
        else:
            run.update(json.loads(content))
    return [{"kind": kind, "id": identity, "run": run} for (kind, identity), run in found.items()]


class Handler(BaseHTTPRequestHandler):
    """Answers one connection. The service is put in by `main`."""

    service: Service
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer_any(b"")

    def do_POST(self) -> None:
        self._answer_any(self.rfile.read(int(self.headers.get("content-length", 0))))

    do_PATCH = do_PUT = do_DELETE = do_POST  # noqa: N815  names of the base class

    def _answer_any(self, body: bytes) -> None:
        told = self.service.told()
        if told["statuses"]:
            statuses = told["statuses"]
            self.service.refuse()
            self._answer(statuses[next(self.service.answers) % len(statuses)], {}, told)
        elif self.headers.get("x-api-key") != KEY:
            self._answer(401, {"detail": "wrong key"}, told)
        elif self.path == "/info":
            flags = {"zstd_compression_enabled": True}
            self._answer(200, {"version": "0.99.0", "instance_flags": flags}, told)
        else:
            self._work(body, told)

    def _work(self, body: bytes, told: dict[str, Any]) -> None:
        if self.headers.get("content-encoding") == "zstd":
            body = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True).read()
        operations = self._operations(body)
        if operations is None:
            shown = {"method": self.command, "path": self.path, "body": body.decode()}
            self._answer(200, shown, told)
        elif any(each["run"].get("name") == "poison" for each in operations):
            self.service.refuse()
            self._answer(422, {"detail": "poison"}, told)
        else:
            self.service.take(operations)
            time.sleep(told.get("hold_seconds", 0))
            self._answer(202, {}, told)

    def _operations(self, body: bytes) -> list[dict[str, Any]] | None:
        match self.command, self.path.split("/")[1:]:
            case "POST", ["runs", "multipart"]:
                return read_multipart(body, self.headers["content-type"])
            case "POST", ["runs"]:
                run = json.loads(body)
                return [{"kind": "post", "id": run["id"], "run": run}]
            case "PATCH", ["runs", identity]:
                return [{"kind": "patch", "id": identity, "run": json.loads(body)}]
        return None

    def _answer(self, status: int, content: dict[str, Any], told: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        if status in (429, 503) and told.get("retry_after"):
            self.send_header("retry-after", told["retry_after"])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(exist_ok=True)
    (folder / "taken.jsonl").touch()
    Handler.service = Service(folder)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
