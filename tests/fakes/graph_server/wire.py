"""Requests and answers as the server's routes see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from fakes.graph_server.events import EventLog

JSON = "application/json"
NOT_FOUND = "Not Found"


class Problem(Exception):
    """An answer with an error status and `{"detail": text}`."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}")
        self.status = status
        self.detail = detail


class TimedOut(Exception):
    """The client's time was over before the answer was there; what was begun goes on."""


@dataclass(slots=True)
class Request:
    """One request. `deadline` is when the client goes away, by the simulated clock."""

    method: str
    path: str
    body: bytes | None
    headers: Mapping[str, str]
    deadline: int
    query: dict[str, str] = field(default_factory=dict)
    thread_id: str = ""
    run_id: str = ""

    def json(self) -> dict[str, Any]:
        try:
            given = orjson.loads(self.body or b"")
        except orjson.JSONDecodeError:
            raise Problem(422, "Invalid JSON in request body") from None
        if not isinstance(given, dict):
            raise Problem(422, f'{given} is not of type "object"')
        return given

    def number(self, name: str, default: int) -> int:
        try:
            return int(self.query.get(name, default))
        except ValueError:
            raise Problem(422, f"{name}: {self.query[name]!r} is not a number") from None


@dataclass(slots=True)
class Response:
    """One answer. With `events` its body is a stream: those of the log from `place` on."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    events: EventLog | None = None
    place: int = 0


def json_response(content: Any, status: int = 200, **headers: str) -> Response:
    """`content` as JSON; underscores in the names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": JSON, **named}, orjson.dumps(content))
