"""Leads schemathesis' made-up calls to things that are there; it imports this by name.

A made-up id is always unknown, so calls would end at the first lookup. Two of three calls get the
ids of `KNOWN_IDS`, an environment variable with JSON: which ones depends on what was generated
alone, so the same seed makes the same calls. A call that takes something away gets one of its own,
so that the next calls still find theirs.
"""

import json
import os
import re
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import requests
import schemathesis
from langgraph_sdk import get_sync_client

from harness.known_things import NEVER, KnownThings

LONGEST_DELAY = 10 * 365 * 86_400
KNOWN: dict[str, str] = json.loads(os.environ["KNOWN_IDS"])
THINGS = KnownThings(get_sync_client(url=os.environ["SERVER_URL"], api_key=None), KNOWN["graph"])

THREAD_STREAM = "/threads/{thread_id}/stream"
"""Ends with its thread only."""
CANCEL = "/threads/{thread_id}/runs/{run_id}/cancel"
PARAMETER = re.compile(r"{(\w+)}")

LED: dict[str, Any] = {
    "assistant_id": KNOWN["assistant_id"],
    "graph_id": KNOWN["graph"],
    "thread_id": KNOWN["thread_id"],
    "run_ids": [KNOWN["run_id"]],
    "schedule": NEVER,
}
"""Fields of bodies."""


def _is_led(generated: Any) -> bool:
    return zlib.crc32(json.dumps(generated, sort_keys=True, default=str).encode()) % 3 > 0


@schemathesis.hook
def map_path_parameters(
    context: schemathesis.HookContext, path_parameters: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Put known ids into the path."""
    if not path_parameters or not _is_led(path_parameters):
        return path_parameters
    return {name: KNOWN.get(name, value) for name, value in path_parameters.items()}


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Put known things into the body, also into the bodies of a batch."""
    makes = context.operation.method == "post" and context.operation.path
    if isinstance(body, list):
        return [_led_body(each, makes) for each in body]
    return _led_body(body, makes)


def _led_body(body: Any, makes: str | bool) -> Any:
    """The body without a delay: every later call that waits for the thread would wait as long."""
    if not isinstance(body, dict):
        return body
    if isinstance(delay := body.get("after_seconds"), int | float) and 0 < delay <= LONGEST_DELAY:
        body = {**body, "after_seconds": 0}
    if not _is_led(body):
        return body
    if body.get("status") and "run_ids" in body:  # either these, or all with a status
        body = {"status": body["status"]}
    # What is made under a known id is always there already.
    own = {"/assistants": "assistant_id", "/threads": "thread_id"}.get(str(makes))
    # No made-up URL is one that may be called.
    kept = {name: value for name, value in body.items() if name != "webhook"}
    return kept | {name: LED[name] for name in LED.keys() & kept.keys() - {own}}


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]
) -> None:
    """Give a call that takes a known thing away one of its own, and let an endless one end."""
    operation, given = case.operation, case.path_parameters
    fresh = _fresh(operation.method, operation.path)
    if not given or fresh is None:
        return
    last = PARAMETER.findall(operation.path)[-1]
    if given[last] == KNOWN.get(last):
        given = {**given, **fresh()}
        case.path_parameters = given  # anew: the next call may be given the same parameters
    if operation.path == THREAD_STREAM:
        # Also a made-up thread may be there: an earlier call made it.
        kwargs["hooks"] = {"response": partial(_take_away, given[last])}


def _fresh(method: str, path: str) -> Callable[[], dict[str, str]] | None:
    """Makes what the operation takes away; None when it takes nothing."""
    if path == THREAD_STREAM:
        return THINGS.thread
    if path == CANCEL:
        return THINGS.waiting_run
    return THINGS.maker(PARAMETER.findall(path)[-1]) if method == "delete" and "{" in path else None


def _take_away(thread_id: str, answer: requests.Response, **_: Any) -> None:
    """Called when the stream has begun, before it is read."""
    if answer.ok:
        THINGS.client.threads.delete(thread_id)
