"""Leads schemathesis' made-up calls to things that are there; it imports this by name.

A made-up id is always unknown, so calls would end at the first lookup. Two of three calls get the
ids and the graph of `KNOWN_IDS`, an environment variable with JSON: which ones depends on what was
generated alone, so the same seed makes the same calls.
"""

import json
import os
import zlib
from typing import Any

import schemathesis

LONGEST_DELAY = 10 * 365 * 86_400
KNOWN: dict[str, str] = json.loads(os.environ["KNOWN_IDS"])


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
    """Put a graph that is served into the body, and no delay."""
    if not isinstance(body, dict):
        return body
    if isinstance(delay := body.get("after_seconds"), int | float) and 0 < delay <= LONGEST_DELAY:
        # Every later call that waits for a run of the thread would wait as long.
        body = {**body, "after_seconds": 0}
    if "assistant_id" in body and _is_led(body):
        return {**body, "assistant_id": KNOWN["graph"]}
    return body
