"""Rows as the protocol shows them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
from langgraph.store.base import Item
from starlette.responses import Response

from outrigger_server.domain.assistant import Assistant, AssistantVersion
from outrigger_server.domain.clock import to_iso
from outrigger_server.domain.cron import Cron
from outrigger_server.domain.thread import Thread
from outrigger_server.graphs.encoding import encode
from outrigger_server.stores.checkpoint_tables.base import Amount, StoredAmounts

JSON = "application/json"


def json_response(
    content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`content` as a JSON answer."""
    body = encode(content)
    return Response(body, status_code=status, headers=headers, media_type=JSON)


def thread_json(thread: Thread, *, with_ttl: bool = False) -> dict[str, Any]:
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
    if with_ttl and thread.ttl is not None and thread.expires_at is not None:
        shown["ttl"] = {
            "strategy": thread.ttl.strategy.value,
            "ttl_minutes": thread.ttl.minutes,
            "expires_at": to_iso(thread.expires_at),
        }
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


def version_json(version: AssistantVersion) -> dict[str, Any]:
    """A version of an assistant."""
    return {**asdict(version), "created_at": to_iso(version.created_at)}


def cron_json(cron: Cron) -> dict[str, Any]:
    """A cron, with the body it was made of: there the end is as it was sent."""
    config = cron.payload.get("config") or {}
    configurable = {**(config.get("configurable") or {}), "cron_id": cron.cron_id}
    return {
        "cron_id": cron.cron_id,
        "assistant_id": cron.assistant_id,
        "thread_id": cron.thread_id,
        "user_id": cron.user_id or "",
        "end_time": cron.payload.get("end_time", _moment(cron.end_at)),
        "schedule": cron.schedule,
        "timezone": cron.timezone,
        "payload": {**cron.payload, "config": {**config, "configurable": configurable}},
        "next_run_date": _moment(cron.next_run_date),
        "metadata": cron.metadata,
        "on_run_completed": cron.on_run_completed,
        "enabled": cron.enabled,
        "created_at": to_iso(cron.created_at),
        "updated_at": to_iso(cron.updated_at),
    }


def _moment(microseconds: int | None) -> str | None:
    return None if microseconds is None else to_iso(microseconds)


def storage_json(thread_id: str, stored: StoredAmounts) -> dict[str, Any]:
    """What a thread's history takes."""
    channels = stored.channels.values()
    values = Amount(sum(each.count for each in channels), sum(each.bytes for each in channels))
    return {
        "thread_id": thread_id,
        "total_bytes": stored.checkpoints.bytes + values.bytes + stored.writes.bytes,
        "checkpoints": _amount_json(stored.checkpoints),
        "channel_values": {
            **_amount_json(values),
            "by_channel": {
                name: {"versions": each.count, "bytes": each.bytes}
                for name, each in stored.channels.items()
            },
        },
        "pending_writes": _amount_json(stored.writes),
    }


def _amount_json(amount: Amount) -> dict[str, int]:
    return {"count": amount.count, "bytes": amount.bytes}


def item_json(item: Item) -> dict[str, Any]:
    """An item of the store."""
    return {
        "namespace": list(item.namespace),
        "key": item.key,
        "value": item.value,
        "created_at": _written(item.created_at),
        "updated_at": _written(item.updated_at),
    }


def _written(time: dt.datetime) -> str:
    """A time as the protocol sends it; rows of earlier versions say no offset and mean UTC."""
    aware = time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).isoformat(timespec="microseconds")
