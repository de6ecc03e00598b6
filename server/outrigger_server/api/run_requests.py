"""From the body of a run's creation to a request that the engine takes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from outrigger_server.api.auth.caller import Caller
from outrigger_server.api.problems import describe
from outrigger_server.api.services import checkpoint_id_of
from outrigger_server.api.wire.runs import AnyRunCreate, RunCreate, StatelessRunCreate
from outrigger_server.domain.access import AUTH_PREFIX, EVERYTHING, Filter
from outrigger_server.domain.assistant import Assistant, mirrored
from outrigger_server.domain.multitask import MultitaskStrategy
from outrigger_server.domain.run import RunId, RunRequest, ThreadId
from outrigger_server.errors import BadState, InvalidRequest
from outrigger_server.graphs.invoke import to_command


def run_request(
    body: AnyRunCreate,
    assistant: Assistant,
    *,
    run_id: RunId,
    thread_id: ThreadId,
    request_id: str | None,
    signed: Mapping[str, Any],
) -> RunRequest:
    """The assistant's and the caller's wishes as one.

    `signed` goes into the configuration: what the server, and nobody else, may say there.

    Raises:
        BadState: Both `configurable` and `context` are given, or an answer without a thread.
        InvalidRequest: A field has a value that makes no sense.
    """
    given = body.config.model_dump(exclude_none=True) if body.config is not None else {}
    config, context = _settings(given, body, assistant)
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
            **_marks(body, forced),
        },
        kwargs={
            "input": body.input,
            "command": command,
            "config": config,
            "context": context,
            "stream_mode": body.stream_mode,
            "interrupt_before": body.interrupt_before,
            "interrupt_after": body.interrupt_after,
            "webhook": body.webhook,
            "feedback_keys": body.feedback_keys,
            "temporary": body.temporary,
            "subgraphs": body.stream_subgraphs,
            "resumable": body.stream_resumable,
            "checkpoint_during": body.checkpoint_during is not False,
            "durability": _durability(body),
            **_start(body),
        },
        after_seconds=max(0.0, body.after_seconds),
        source="resume" if command is not None and "resume" in command else "api",
        request_id=request_id,
        thread_metadata=forced,
        assistant_config=assistant.config,
        given_config={key: value for key, value in given.items() if key != "configurable"},
    )


def read_run_request(
    payload: Mapping[str, Any],
    assistant: Assistant,
    *,
    run_id: RunId,
    thread_id: ThreadId,
    signed: Mapping[str, Any],
) -> RunRequest:
    """The request of a body that was kept; see `RequestReader`."""
    try:
        body = RunCreate.model_validate(payload)
    except ValidationError as error:
        raise InvalidRequest(describe(error.errors())) from error
    return run_request(
        body, assistant, run_id=run_id, thread_id=thread_id, request_id=None, signed=signed
    )


async def authorized_run(
    caller: Caller,
    body: AnyRunCreate,
    assistant: Assistant,
    request: RunRequest,
    thread_id: ThreadId | None,
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


def _settings(
    given: dict[str, Any], body: AnyRunCreate, assistant: Assistant
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Configuration and context: the assistant's, and over them the run's, as one and the other."""
    given = {**given, "configurable": _unsigned(given.get("configurable") or {})}
    given, context = mirrored(given, body.context and _unsigned(body.context))
    config = {**assistant.config, **given}
    config["configurable"] = {
        **(assistant.config.get("configurable") or {}),
        **(given.get("configurable") or {}),
    }
    config["metadata"] = {
        **(assistant.config.get("metadata") or {}),
        **(given.get("metadata") or {}),
    }
    return config, {**assistant.context, **(context or {})}


def _unsigned(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without the names by which graphs know who asks: only the server says that."""
    return {key: value for key, value in settings.items() if not key.startswith(AUTH_PREFIX)}


def _command(body: AnyRunCreate) -> dict[str, Any] | None:
    if body.command is None:
        return None
    if isinstance(body, StatelessRunCreate) and body.command.resume is not None:
        raise BadState("You must provide a thread_id when resuming.")
    command = body.command.model_dump(exclude_unset=True)
    to_command(command)
    return command


def _marks(body: AnyRunCreate, forced: Mapping[str, str]) -> Mapping[str, str]:
    """What a run's metadata says of its graph: its thread's metadata names that, if it has one."""
    if isinstance(body, StatelessRunCreate):
        return {"assistant_id": forced["assistant_id"]}
    return forced


def _durability(body: AnyRunCreate) -> str:
    if body.durability is not None:
        return body.durability
    return "exit" if body.checkpoint_during is False else "async"


def _start(body: AnyRunCreate) -> dict[str, Any]:
    """The checkpoint that the run starts at, as `START_KEYS` have it; empty without one."""
    place = body.checkpoint
    given = checkpoint_id_of(body.checkpoint_id or (place and place.checkpoint_id) or None)
    if given is None:
        return {}
    if place is None or not place.checkpoint_ns:
        return {"checkpoint_id": given}
    around = {ns: checkpoint_id_of(each) for ns, each in (place.checkpoint_map or {}).items()}
    return {
        "checkpoint_id": given,
        "checkpoint_ns": place.checkpoint_ns,
        "checkpoint_map": around,
    }
