"""Rows as the protocol shows them."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from outrigger_server.domain.assistant import Assistant
from outrigger_server.domain.clock import to_iso
from outrigger_server.domain.thread import Thread
from outrigger_server.graphs.encoding import encode

JSON = "application/json"


def json_response(
    content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`content` as a JSON answer."""
    body = encode(content)
    return Response(body, status_code=status, headers=headers, media_type=JSON)


def thread_json(thread: Thread) -> dict[str, Any]:
    """A thread; one that never ran has neither `error` nor `interrupts`."""
    shown: dict[str, Any] = {
        "thread_id": thread.thread_id,
        "created_at": to_iso(thread.created_at),
        "updated_at": to_iso(thread.updated_at),
        "state_updated_at": to_iso(thread.state_updated_at),
        "metadata": thread.metadata,
        "status": thread.status.value,
        "config": thread.config,
        "values": orjson.Fragment(thread.values) if thread.values is not None else None,
    }
    if thread.interrupts is not None or thread.error is not None:
        shown["error"] = thread.error
        shown["interrupts"] = orjson.Fragment(thread.interrupts or "{}")
    return shown


def assistant_json(assistant: Assistant) -> dict[str, Any]:
    """An assistant."""
    return {
        "assistant_id": assistant.assistant_id,
        "graph_id": assistant.graph_id,
        "config": assistant.config,
        "context": assistant.context,
        "metadata": assistant.metadata,
        "name": assistant.name,
        "created_at": to_iso(assistant.created_at),
        "updated_at": to_iso(assistant.updated_at),
        "version": assistant.version,
        "description": assistant.description,
    }
