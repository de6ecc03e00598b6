"""What a request is about: whether it may be sent again, and under which name it is counted.

Every rule is about paths of the LangGraph Server API, below whatever prefix the server has.
"""

import re
from enum import Enum
from typing import Any

import httpx
import orjson


class Repeat(Enum):
    """May a request be sent again when nobody knows whether it was carried out?"""

    SAFE = "safe"
    """Twice is the same as once."""
    KEYED = "keyed"
    """It creates a run or a thread: safe with a server that honours its idempotency key."""
    ONCE = "once"


_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_NOUNS = r"(?:threads|assistants|runs|store)"
_SAFE_POSTS = re.compile(
    rf".*/{_NOUNS}(?:/.*)?/(?:search|count|history|namespaces|latest|cancel|checkpoint)"
)
_THREADS = re.compile(r".*/threads")
_RUNS = re.compile(r".*/runs(?:/wait|/stream)?")
_THREAD = re.compile(r".*/threads/[^/]+")
_MADE_ONCE = re.compile(r".*/(?:threads|assistants)")
_PREFIX = re.compile(r"(.*?)/(?:threads|runs)(?:/.*)?")
_BEATING = re.compile(r".*/(?:threads|runs)(?:/.*)?/(?:stream|wait|join)")

_WORDS = frozenset(
    {
        *("threads", "state", "history", "copy", "checkpoint", "prune", "storage", "commands"),
        *("runs", "stream", "wait", "join", "cancel", "crons", "batch", "events"),
        *("assistants", "schemas", "graph", "subgraphs", "versions", "latest"),
        *("store", "items", "namespaces", "search", "count", "info", "ok"),
    }
)
_LONGEST_ROUTE = 8


def repeat_of(request: httpx.Request) -> Repeat:
    """Whether it may be sent again after its answer was lost."""
    path = request.url.path
    if not isinstance(request.stream, httpx.ByteStream):
        return Repeat.ONCE  # a body that is made as it is sent cannot be sent again
    if request.method in _SAFE_METHODS:
        return Repeat.SAFE
    if request.method == "PATCH":  # a thread's metadata; of an assistant it is a new version
        return Repeat.SAFE if _THREAD.fullmatch(path) else Repeat.ONCE
    if request.method != "POST":
        return Repeat.ONCE
    if _SAFE_POSTS.fullmatch(path):
        return Repeat.SAFE
    if _MADE_ONCE.fullmatch(path) and _is_made_once(request):
        return Repeat.SAFE
    if _THREADS.fullmatch(path) or _RUNS.fullmatch(path):
        return Repeat.KEYED
    return Repeat.ONCE


def _is_made_once(request: httpx.Request) -> bool:
    body = body_of(request)
    named = body.get("thread_id") or body.get("assistant_id")
    return bool(named) and body.get("if_exists") == "do_nothing"


def body_of(request: httpx.Request) -> dict[str, Any]:
    """The JSON object that it sends; empty when it sends none, or as it goes."""
    if not isinstance(request.stream, httpx.ByteStream):
        return {}
    try:
        body = orjson.loads(request.read())
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def prefix_of(path: str) -> str | None:
    """What stands before the API's own paths; None when it is no path of threads or runs."""
    found = _PREFIX.fullmatch(path)
    return found[1] if found else None


def beats(request: httpx.Request) -> bool:
    """True when the answer has heartbeats, so that silence means a break."""
    return _BEATING.fullmatch(request.url.path) is not None


def route_of(path: str) -> str:
    """The path with `{id}` for whatever is not a word of the API: few enough for a label."""
    parts = [part if part in _WORDS else "{id}" for part in path.split("/") if part]
    return "/" + "/".join(parts[:_LONGEST_ROUTE])
