"""An answer as a tree of plain JSON values, and places in such trees."""

import json
from typing import Any

import httpx

from harness.frames import Frame, parse

HEADERS = (
    "content-type",
    "content-location",
    "location",
    "x-pagination-total",
    "x-pagination-next",
    "cache-control",
    "x-accel-buffering",
    "allow",
    "access-control-allow-origin",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
)
MISSING = "<nothing>"


def headers_of(response: httpx.Response) -> dict[str, str]:
    """The headers that are part of the contract."""
    found = {name: response.headers[name] for name in HEADERS if name in response.headers}
    if "allow" in found:  # what is allowed has no order
        found["allow"] = ", ".join(sorted(found["allow"].split(", ")))
    return found


def answer_of(response: httpx.Response, content: bytes) -> dict[str, Any]:
    """Status, headers and body; a stream's body are its frames."""
    tree: dict[str, Any] = {"status": response.status_code, "headers": headers_of(response)}
    kind = response.headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        return tree | {"frames": [_frame_tree(frame) for frame in parse(content)]}
    return tree | {"body": _body(kind, content)}


def _frame_tree(frame: Frame) -> dict[str, Any]:
    tree = {"event": frame.name, "data": frame.data}
    return tree if frame.id is None else tree | {"id": frame.id}


def _body(kind: str, content: bytes) -> Any:
    if kind.startswith("application/json") and content:
        return json.loads(content)
    return content.decode()


def at(tree: Any, place: str) -> Any:
    """What is at a place such as `body.tasks.0.id`, or MISSING."""
    for part in place.split("."):
        if isinstance(tree, dict) and part in tree:
            tree = tree[part]
        elif isinstance(tree, list) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            return MISSING
    return tree
