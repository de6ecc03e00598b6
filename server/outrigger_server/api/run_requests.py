"""From the body of a run's creation to a request that the engine takes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from outrigger_server.api.auth.caller import Caller
from outrigger_server.api.services import checkpoint_id_of
from outrigger_server.api.wire.runs import RunCreate
from outrigger_server.domain.access import AUTH_PREFIX, EVERYTHING, Filter
from outrigger_server.domain.assistant import Assistant
from outrigger_server.domain.multitask import MultitaskStrategy
from outrigger_server.domain.run import RunId, RunRequest, ThreadId
from outrigger_server.errors import BadState
from outrigger_server.graphs.invoke import to_command


def run_request(
    body: RunCreate,
    assistant: Assistant,
    *,
    run_id: RunId,
    thread_id: ThreadId,
    request_id: str,
    signed: Mapping[str, Any],
) -> RunRequest:
    """The assistant's and the caller's wishes as one.

    `signed` goes into the configuration: what the server, and nobody else, may say there.

    Raises:
        BadState: Both `configurable` and `context` are given.
        InvalidRequest: A field has a value that makes no sense.
    """
    config = _config(body, assistant)
    context = {**assistant.context, **(body.context or {})}
    config["configurable"] = {
        key: value
        for key, value in config["configurable"].items()
        if not key.startswith(AUTH_PREFIX)
    }
    if config["configurable"] and body.context:
        raise BadState(
            "Cannot specify both configurable and context. Give config.configurable to graphs "
            "that read their configuration, context to graphs with a context schema."
        )
    forced = {"graph_id": assistant.graph_id, "assistant_id": assistant.assistant_id}
    place = {"run_id": run_id, "thread_id": thread_id, **forced}
    config["configurable"] |= {**signed, **place, "langgraph_request_id": request_id}
    if (user_id := signed.get(AUTH_PREFIX + "user_id")) is not None:
        config["configurable"].setdefault("user_id", user_id)
    command = _command(body)
    return RunRequest(
        run_id=run_id,
        assistant_id=assistant.assistant_id,
        graph_id=assistant.graph_id,
        multitask_strategy=body.multitask_strategy.value,
        metadata={
            **assistant.metadata,
            **config.pop("metadata"),
            **(body.metadata or {}),
            **forced,
        },
        kwargs={
            "input": body.input,
            "command": command,
            "config": config,
            "context": context,
            "stream_mode": body.stream_mode,
            "interrupt_before": body.interrupt_before,
            "interrupt_after": body.interrupt_after,
            "webhook": None,
            "feedback_keys": body.feedback_keys,
            "temporary": False,
            "subgraphs": body.stream_subgraphs,
            "resumable": body.stream_resumable,
            "checkpoint_during": body.checkpoint_during is not False,
            "durability": _durability(body),
            "checkpoint_id": _checkpoint_id(body),
        },
        after_seconds=max(0.0, body.after_seconds),
        source="resume" if command is not None and "resume" in command else "api",
        request_id=request_id,
        thread_metadata=forced,
        new_thread_metadata=dict(body.metadata or {}),
    )


async def authorized_run(
    caller: Caller,
    body: RunCreate,
    assistant: Assistant,
    request: RunRequest,
    thread_id: str | None,
) -> tuple[RunRequest, Filter]:
    """The request as the rules leave it, and which threads it may be carried out on.

    Raises:
        NotFound: The assistant is hidden from the caller.
        Refused: The caller may not.
    """
    if caller.rules is None:
        return request, EVERYTHING
    given = dict(body.metadata or {})
    value = {
        "thread_id": UUID(thread_id) if thread_id is not None else None,
        "assistant_id": UUID(assistant.assistant_id),
        "run_id": UUID(request.run_id),
        "status": "pending",
        "metadata": dict(given),
        "prevent_insert_if_inflight": body.multitask_strategy is MultitaskStrategy.REJECT,
        "multitask_strategy": body.multitask_strategy.value,
        "if_not_exists": body.if_not_exists,
        "after_seconds": body.after_seconds,
        "kwargs": request.kwargs,
    }
    allowed = await caller.authorized("threads", "create_run", value)
    caller.check_run_of(allowed, assistant, "Thread or assistant not found.")
    ruled = value["metadata"]
    if not isinstance(ruled, dict) or ruled == given:
        return request, allowed
    kept = {key: each for key, each in request.metadata.items() if key not in given}
    metadata = {**kept, **ruled, **request.thread_metadata}
    return replace(request, metadata=metadata, new_thread_metadata=ruled), allowed


def _config(body: RunCreate, assistant: Assistant) -> dict[str, Any]:
    given = body.config.model_dump(exclude_none=True) if body.config is not None else {}
    merged = {**assistant.config, **given}
    merged["configurable"] = {
        **(assistant.config.get("configurable") or {}),
        **(given.get("configurable") or {}),
    }
    merged["metadata"] = given.get("metadata") or {}
    return merged


def _command(body: RunCreate) -> dict[str, Any] | None:
    if body.command is None:
        return None
    command = body.command.model_dump(exclude_unset=True)
    to_command(command)
    return command


def _durability(body: RunCreate) -> str:
    if body.durability is not None:
        return body.durability
    return "exit" if body.checkpoint_during is False else "async"


def _checkpoint_id(body: RunCreate) -> str | None:
    given = body.checkpoint_id or (body.checkpoint and body.checkpoint.checkpoint_id)
    return checkpoint_id_of(given or None)
