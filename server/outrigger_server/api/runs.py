"""Runs of a thread: create, wait, stream, join, cancel, delete."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy import Connection

from outrigger_server.api.auth.caller import CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import EventStream, problems
from outrigger_server.api.render import json_response
from outrigger_server.api.run_answers import Reading, RunAnswers
from outrigger_server.api.services import (
    Flag,
    RunIdOf,
    ServicesOf,
    ThreadIdOf,
    event_id_of,
    flag,
    listed,
    number_schema,
    page_number,
)
from outrigger_server.api.wire.fields import MAX_PAGE
from outrigger_server.api.wire.runs import RunCreate
from outrigger_server.domain.nul import holds_nul
from outrigger_server.domain.run import CancelAction, Run, RunId, ThreadId
from outrigger_server.domain.shown_run import RUN_FIELDS, run_json
from outrigger_server.errors import InvalidRequest, NotFound
from outrigger_server.stores.run_rows import get_run, list_runs
from outrigger_server.stores.threads import get_thread

router = APIRouter(prefix="/threads/{thread_id}/runs", tags=["Thread Runs"], route_class=JsonRoute)

CANCELLED = "interrupt requested via POST /threads/{thread_id}/runs/{run_id}/cancel"
ROLLED_BACK = "rollback requested via POST /threads/{thread_id}/runs/{run_id}/cancel"

ACTIONS: dict[str, Any] = {"enum": ["interrupt", "rollback"]}
CANCELLING: dict[int | str, dict[str, Any]] = {
    200: {"description": "It has stopped (with wait)"},
    202: {"description": "It is being stopped"},
}


@router.post("", responses=problems(400, 409, 410))
async def create(
    thread_id: ThreadIdOf, body: RunCreate, request: Request, services: ServicesOf
) -> Response:
    """Start a run in the background."""
    return await RunAnswers(services, request).background(body, thread_id)


@router.post("/wait", responses=problems(400, 409, 410))
async def wait(
    thread_id: ThreadIdOf, body: RunCreate, request: Request, services: ServicesOf
) -> Response:
    """Start a run and answer with its final values."""
    return await RunAnswers(services, request).waited(body, thread_id)


@router.post("/stream", response_class=EventStream, responses=problems(400, 409, 410))
async def stream(
    thread_id: ThreadIdOf, body: RunCreate, request: Request, services: ServicesOf
) -> Response:
    """Start a run and stream it."""
    return await RunAnswers(services, request).streamed(body, thread_id)


@router.get("", responses=problems(400))
async def list_of_thread(  # noqa: PLR0913, PLR0917  the parts of the request, each by its name
    thread_id: ThreadIdOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Annotated[str, Query(json_schema_extra=number_schema(1, MAX_PAGE, 10))] = "10",
    offset: Annotated[str, Query(json_schema_extra=number_schema(0, 2**31, 0))] = "0",
    status: Annotated[str | None, Query()] = None,
    select: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """List the thread's runs, newest first; `select` says which fields of them."""
    if holds_nul(status):
        raise InvalidRequest("status: a NUL character cannot be searched for")
    fields = selected(select)
    page = partial(
        list_runs,
        thread_id=thread_id,
        limit=page_number("limit", limit, least=1, most=MAX_PAGE),
        offset=page_number("offset", offset, least=0, most=2**31),
        status=status,
    )
    await caller.thread("search", thread_id, metadata={})
    await services.database.read(partial(get_thread, thread_id=thread_id))
    shown = [run_json(run) for run in await services.database.read(page)]
    return json_response([{name: run[name] for name in fields} for run in shown])


@router.get("/{run_id}")
async def get(
    thread_id: ThreadIdOf, run_id: RunIdOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Show a run."""
    await caller.thread("read", thread_id)
    found = partial(_run_of_thread, thread_id=thread_id, run_id=run_id)
    return json_response(run_json(await services.database.read(found)))


def _run_of_thread(connection: Connection, thread_id: ThreadId, run_id: RunId) -> Run:
    try:
        return get_run(connection, thread_id, run_id)
    except NotFound:
        get_thread(connection, thread_id)  # says so when that is what is not there
        raise


@router.delete("/{run_id}", status_code=204, responses=problems(409))
async def delete(
    thread_id: ThreadIdOf, run_id: RunIdOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Remove a run with its checkpoints; one in flight is stopped first."""
    await caller.thread("delete", thread_id, "Run not found", run_id=UUID(run_id))
    try:
        await services.canceller.delete_run(thread_id, run_id)
    except NotFound:
        raise NotFound("Run not found") from None
    return Response(status_code=204)


@router.get("/{run_id}/join")
async def join(
    thread_id: ThreadIdOf,
    run_id: RunIdOf,
    request: Request,
    services: ServicesOf,
    caller: CallerOf,
    cancel_on_disconnect: Flag = None,
) -> Response:
    """Answer with a run's final values once it has ended."""
    await caller.thread("read", thread_id)
    leave = flag(cancel_on_disconnect)
    return RunAnswers(services, request).joined(
        thread_id, run_id, cancel_when_left=leave, question_only=True
    )


@router.get("/{run_id}/stream", response_class=EventStream)
async def join_stream(  # noqa: PLR0913, PLR0917  the parts of the request, each by its name
    thread_id: ThreadIdOf,
    run_id: RunIdOf,
    request: Request,
    services: ServicesOf,
    caller: CallerOf,
    stream_mode: Annotated[list[str] | None, Query()] = None,
    cancel_on_disconnect: Flag = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Stream a run from now on, or from behind the last event the client had."""
    await caller.thread("read", thread_id)
    reading = Reading(
        modes=stream_modes(stream_mode),
        label=(stream_mode or [""])[0],
        after=event_id_of(last_event_id),
        cancel_when_left=flag(cancel_on_disconnect),
    )
    return await RunAnswers(services, request).rejoined(thread_id, run_id, reading)


@router.post("/{run_id}/cancel", responses=CANCELLING | problems(409))
async def cancel(
    thread_id: ThreadIdOf,
    run_id: RunIdOf,
    services: ServicesOf,
    caller: CallerOf,
    action: Annotated[str, Query(json_schema_extra=ACTIONS)] = "interrupt",
    wait: Flag = None,
) -> Response:
    """Stop a run; with `wait`, answer once it has stopped."""
    chosen = CancelAction.ROLLBACK if action == "rollback" else CancelAction.INTERRUPT
    asked = {"action": chosen.value, "metadata": {"run_ids": [UUID(run_id)], "status": None}}
    await caller.thread("update", thread_id, "No runs found to cancel.", **asked)
    await services.canceller.cancel(
        thread_id,
        [run_id],
        chosen,
        message=ROLLED_BACK if chosen is CancelAction.ROLLBACK else CANCELLED,
        wait=flag(wait),
    )
    if not flag(wait):
        return Response(status_code=202)
    place = f"/threads/{thread_id}/runs/{run_id}"
    return json_response({}, headers={"location": f"{place}/join", "content-location": place})


def selected(names: list[str] | None) -> tuple[str, ...]:
    """The fields of a run that a client wants, in the usual order; None means all.

    Raises:
        InvalidRequest: A run has no such field.
    """
    wrong = [name for name in names or () if name not in RUN_FIELDS]
    if wrong:
        known = ", ".join(RUN_FIELDS)
        raise InvalidRequest(f"select: a run has no {', '.join(wrong)}; choose from {known}")
    return tuple(name for name in RUN_FIELDS if name in names) if names else RUN_FIELDS


def stream_modes(given: list[str] | None) -> frozenset[str] | None:
    """The event names a reader wants; None means all."""
    modes = listed("stream_mode", given or ())
    return frozenset("messages" if mode == "messages-tuple" else mode for mode in modes) or None
