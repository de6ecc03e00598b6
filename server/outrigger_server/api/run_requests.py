"""From the body of a run's creation to a request that the engine takes."""

from typing import Any

from outrigger_server.api.services import checkpoint_id_of
from outrigger_server.api.wire.runs import AnyRunCreate, StatelessRunCreate
from outrigger_server.domain.assistant import Assistant
from outrigger_server.domain.run import RunId, RunRequest, ThreadId
from outrigger_server.errors import BadState
from outrigger_server.graphs.invoke import to_command


def run_request(
    body: AnyRunCreate,
    assistant: Assistant,
    *,
    run_id: RunId,
    thread_id: ThreadId,
    request_id: str,
) -> RunRequest:
    """The assistant's and the caller's wishes as one.

    Raises:
        BadState: Both `configurable` and `context` are given, or an answer without a thread.
        InvalidRequest: A field has a value that makes no sense.
    """
    config = _config(body, assistant)
    context = {**assistant.context, **(body.context or {})}
    if config["configurable"] and body.context:
        raise BadState(
            "Cannot specify both configurable and context. Give config.configurable to graphs "
            "that read their configuration, context to graphs with a context schema."
        )
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
        },
        after_seconds=max(0.0, body.after_seconds),
        source="resume" if command is not None and "resume" in command else "api",
        request_id=request_id,
        thread_metadata=forced,
    )


def _config(body: AnyRunCreate, assistant: Assistant) -> dict[str, Any]:
    given = body.config.model_dump(exclude_none=True) if body.config is not None else {}
    merged = {**assistant.config, **given}
    merged["configurable"] = {
        **(assistant.config.get("configurable") or {}),
        **(given.get("configurable") or {}),
    }
    merged["metadata"] = given.get("metadata") or {}
    return merged


def _command(body: AnyRunCreate) -> dict[str, Any] | None:
    if body.command is None:
        return None
    if isinstance(body, StatelessRunCreate) and body.command.resume is not None:
        raise BadState("You must provide a thread_id when resuming.")
    command = body.command.model_dump(exclude_unset=True)
    to_command(command)
    return command


def _durability(body: AnyRunCreate) -> str:
    if body.durability is not None:
        return body.durability
    return "exit" if body.checkpoint_during is False else "async"


def _checkpoint_id(body: AnyRunCreate) -> str | None:
    given = body.checkpoint_id or (body.checkpoint and body.checkpoint.checkpoint_id)
    return checkpoint_id_of(given or None)
