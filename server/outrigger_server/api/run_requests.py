"""From the body of a run's creation to a request that the engine takes."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from outrigger_server.api.problems import describe
from outrigger_server.api.services import checkpoint_id_of
from outrigger_server.api.wire.runs import AnyRunCreate, RunCreate, StatelessRunCreate
from outrigger_server.domain.assistant import Assistant, mirrored
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
) -> RunRequest:
    """The assistant's and the caller's wishes as one.

    Raises:
        BadState: Both `configurable` and `context` are given, or an answer without a thread.
        InvalidRequest: A field has a value that makes no sense.
    """
    config, context = _settings(body, assistant)
    forced = {"graph_id": assistant.graph_id, "assistant_id": assistant.assistant_id}
    place = {"run_id": run_id, "thread_id": thread_id, **forced}
    config["configurable"] |= {**place, "langgraph_request_id": request_id}
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
            "webhook": body.webhook,
            "feedback_keys": body.feedback_keys,
            "temporary": body.temporary,
            "subgraphs": body.stream_subgraphs,
            "resumable": body.stream_resumable,
            "checkpoint_during": body.checkpoint_during is not False,
            "durability": _durability(body),
            "checkpoint_id": _checkpoint_id(body),
            **_tracer(body),
        },
        after_seconds=max(0.0, body.after_seconds),
        source="resume" if command is not None and "resume" in command else "api",
        request_id=request_id,
        thread_metadata=forced,
    )


def read_run_request(
    payload: Mapping[str, Any],
    assistant: Assistant,
    *,
    run_id: RunId,
    thread_id: ThreadId,
) -> RunRequest:
    """The request of a body that was kept; see `RequestReader`."""
    try:
        body = RunCreate.model_validate(payload)
    except ValidationError as error:
        raise InvalidRequest(describe(error.errors())) from error
    return run_request(body, assistant, run_id=run_id, thread_id=thread_id, request_id=None)


def _settings(body: AnyRunCreate, assistant: Assistant) -> tuple[dict[str, Any], dict[str, Any]]:
    """Configuration and context: the assistant's, and over them the run's, as one and the other."""
    given = body.config.model_dump(exclude_none=True) if body.config is not None else {}
    given, context = mirrored(given, body.context)
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


def _command(body: AnyRunCreate) -> dict[str, Any] | None:
    if body.command is None:
        return None
    if isinstance(body, StatelessRunCreate) and body.command.resume is not None:
        raise BadState("You must provide a thread_id when resuming.")
    command = body.command.model_dump(exclude_unset=True)
    to_command(command)
    return command


def _tracer(body: AnyRunCreate) -> dict[str, Any]:
    if body.langsmith_tracer is None:
        return {}
    return {"langsmith_tracer": body.langsmith_tracer.model_dump(mode="json", exclude_none=True)}


def _durability(body: AnyRunCreate) -> str:
    if body.durability is not None:
        return body.durability
    return "exit" if body.checkpoint_during is False else "async"


def _checkpoint_id(body: AnyRunCreate) -> str | None:
    given = body.checkpoint_id or (body.checkpoint and body.checkpoint.checkpoint_id)
    return checkpoint_id_of(given or None)
