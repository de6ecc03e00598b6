"""Requests that follow from another one: its run's row, its end, its stream, the server's flags.

Their addresses are built from the first request's own, never taken from an answer: credentials go
nowhere else, and a prefix that a proxy takes away stays.
"""

import re
from collections.abc import Mapping

import httpx

from outrigger_client.transport.routes import prefix_of

_RUN = re.compile(r".*?(?:/threads/(?P<thread>[^/]+))?/runs/(?P<run>[^/]+)")
_WAIT = re.compile(r".*/runs/wait")
_OF_THE_FIRST = frozenset(
    {
        *("content-length", "content-type", "transfer-encoding"),
        *("idempotency-key", "last-event-id", "accept"),
    }
)


def run_path(request: httpx.Request, headers: Mapping[str, str] | None) -> str | None:
    """The path of the run that an answer to `request` is about, as its headers say."""
    prefix = prefix_of(request.url.path)
    found = _RUN.fullmatch((headers or {}).get("content-location", ""))
    if prefix is None or found is None:
        return None
    thread = f"/threads/{found['thread']}" if found["thread"] else ""
    return f"{prefix}{thread}/runs/{found['run']}"


def join_request(request: httpx.Request, headers: Mapping[str, str] | None) -> httpx.Request | None:
    """Asks for the end of the run that a `wait` has begun; None for any other request."""
    path = run_path(request, headers)
    if path is None or request.method != "POST" or not _WAIT.fullmatch(request.url.path):
        return None
    return following(request, f"{path}/join")


def key_flag_request(request: httpx.Request) -> httpx.Request | None:
    """Asks the server of `request` what it can do."""
    prefix = prefix_of(request.url.path)
    return None if prefix is None else following(request, f"{prefix}/info")


def following(
    request: httpx.Request,
    path: str,
    *,
    query: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> httpx.Request:
    """A GET of another path of the same server by the same caller, with `headers` in addition."""
    kept = [item for item in request.headers.multi_items() if item[0] not in _OF_THE_FIRST]
    raw = path.encode("ascii") + (b"?" + query if query else b"")
    return httpx.Request(
        "GET",
        request.url.copy_with(raw_path=raw),
        headers=[*kept, *(headers or {"accept": "application/json"}).items()],
        extensions=request.extensions,
    )
