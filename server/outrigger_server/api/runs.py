"""Runs of a thread: create, wait, stream, join, cancel, delete."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from uuid_utils.compat import uuid7

from outrigger_server.api.auth.caller import CallerOf, caller_of
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import EventStream, problems
from outrigger_server.api.held import AwaitedAnswer, StreamedAnswer
from outrigger_server.api.idempotency import idempotency_key
from outrigger_server.api.render import json_response, run_json
from outrigger_server.api.run_requests import authorized_run, run_request
from outrigger_server.api.services import (
    Flag,
    RunIdOf,
    Services,
    ServicesOf,
    ThreadIdOf,
    flag,
    number_schema,
    page_number,
)
from outrigger_server.api.sse import HEADERS, RunStream, error_frame
from outrigger_server.api.wire.fields import MAX_PAGE
from outrigger_server.api.wire.runs import RunCreate
from outrigger_server.brokers.base import RunEnd
from outrigger_server.domain.event import EventId
from outrigger_server.domain.nul import holds_nul
from outrigger_server.domain.run import CancelAction, Run, RunId, ThreadId
from outrigger_server.errors import InvalidRequest, NotFound
from outrigger_server.runs.telemetry import assistant_label
from outrigger_server.stores.run_rows import get_run, list_runs
from outrigger_server.stores.threads import get_thread
from outrigger_telemetry import metric_specs as specs

router = APIRouter(prefix="/threads/{thread_id}/runs", tags=["Thread Runs"], route_class=JsonRoute)

CANCELLED = "interrupt requested via POST /threads/{thread_id}/runs/{run_id}/cancel"
ROLLED_BACK = "rollback requested via POST /threads/{thread_id}/runs/{run_id}/cancel"
LEFT = "client disconnected from the run stream (on_disconnect=cancel)"


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
    run = await _create(services, thread_id, body, request, new_run_id())
    return json_response(run_json(run), headers={"content-location": _place(run)})


@router.post("/wait", responses=problems(400, 409, 410))
async def wait(
    thread_id: ThreadIdOf, body: RunCreate, request: Request, services: ServicesOf
) -> Response:
    """Start a run and answer with its final values."""
    run_id = new_run_id()
    heard = services.events.ended(run_id)
    try:
        run = await _create(services, thread_id, body, request, run_id)
    except BaseException:
        heard.cancel()
        services.events.forget(run_id)
        raise
    if run.run_id != run_id:  # its idempotency key created that one before
        heard.cancel()
        services.events.forget(run_id)
        on_left = _cancel_when_left(services, run) if body.on_disconnect == "cancel" else None
        return _awaited(services, thread_id, run.run_id, on_left)
    on_left = _cancel_when_left(services, run) if body.on_disconnect == "cancel" else None
    return _awaited(services, thread_id, run_id, on_left, heard)


@router.post("/stream", response_class=EventStream, responses=problems(400, 409, 410))
async def stream(
    thread_id: ThreadIdOf, body: RunCreate, request: Request, services: ServicesOf
) -> Response:
    """Start a run and stream it."""
    requested = time.monotonic()
    run_id = new_run_id()
    subscription = await services.events.subscribe(run_id, None)
    try:
        run = await _create(services, thread_id, body, request, run_id)
    except BaseException:
        subscription.close()
        services.events.forget(run_id)
        raise
    if run.run_id != run_id:  # its idempotency key created that one before
        subscription.close()
        services.events.forget(run_id)
        after = request.headers.get("last-event-id")
        leave = body.on_disconnect == "cancel"
        return await _follow(services, (thread_id, run.run_id), None, after, leave=leave)
    answer = RunStream(
        services.watcher.watched(run, subscription),
        services.metrics,
        assistant_label(run.assistant_id, run.graph_id),
        services.settings.server.heartbeat_seconds,
        run.run_id,
        with_ids=body.stream_resumable,
        label=body.stream_mode[0],
        on_disconnect=body.on_disconnect,
        on_left=_cancel_when_left(services, run) if body.on_disconnect == "cancel" else None,
        requested=requested,
    )
    place = _place(run)
    headers = {**HEADERS, "location": f"{place}/stream", "content-location": place}
    return StreamedAnswer(answer.frames(), headers)


@router.get("", responses=problems(400))
async def list_of_thread(
    thread_id: ThreadIdOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Annotated[str, Query(json_schema_extra=number_schema(1, MAX_PAGE, 10))] = "10",
    offset: Annotated[str, Query(json_schema_extra=number_schema(0, 2**31, 0))] = "0",
    status: Annotated[str | None, Query()] = None,
) -> Response:
    """List the thread's runs, newest first."""
    if holds_nul(status):
        raise InvalidRequest("status: a NUL character cannot be searched for")
    page = partial(
        list_runs,
        thread_id=thread_id,
        limit=page_number("limit", limit, least=1, most=MAX_PAGE),
        offset=page_number("offset", offset, least=0, most=2**31),
        status=status,
    )
    await caller.thread("search", thread_id, metadata={})
    await services.database.read(partial(get_thread, thread_id=thread_id))
    return json_response([run_json(run) for run in await services.database.read(page)])


@router.get("/{run_id}")
async def get(
    thread_id: ThreadIdOf, run_id: RunIdOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Show a run."""
    await caller.thread("read", thread_id)
    found = partial(get_run, thread_id=thread_id, run_id=run_id)
    return json_response(run_json(await services.database.read(found)))


@router.delete("/{run_id}", status_code=204, responses=problems(409))
async def delete(
    thread_id: ThreadIdOf, run_id: RunIdOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Remove a run with its checkpoints; one in flight is stopped first."""
    await caller.thread("delete", thread_id, "Not Found", run_id=UUID(run_id))
    await services.canceller.delete_run(thread_id, run_id)
    return Response(status_code=204)


@router.get("/{run_id}/join")
async def join(
    thread_id: ThreadIdOf,
    run_id: RunIdOf,
    services: ServicesOf,
    caller: CallerOf,
    cancel_on_disconnect: Flag = None,
) -> Response:
    """Answer with a run's final values once it has ended."""
    await caller.thread("read", thread_id)
    on_left = None
    if flag(cancel_on_disconnect):
        on_left = _cancel_by_id_when_left(services, thread_id, run_id)
    return _awaited(services, thread_id, run_id, on_left)


@router.get("/{run_id}/stream", response_class=EventStream)
async def join_stream(  # noqa: PLR0913, PLR0917  its place, its query, its header
    thread_id: ThreadIdOf,
    run_id: RunIdOf,
    services: ServicesOf,
    caller: CallerOf,
    stream_mode: Annotated[list[str] | None, Query()] = None,
    cancel_on_disconnect: Flag = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Stream a run from now on, or from behind the last event the client had."""
    await caller.thread("read", thread_id)
    leave = flag(cancel_on_disconnect)
    return await _follow(services, (thread_id, run_id), stream_mode, last_event_id, leave=leave)


async def _follow(
    services: Services,
    which: tuple[ThreadId, RunId],
    stream_mode: list[str] | None,
    last_event_id: str | None,
    *,
    leave: bool,
) -> Response:
    after = _event_id(last_event_id)
    place = "/threads/{}/runs/{}".format(*which)
    headers = {**HEADERS, "location": f"{place}/stream", "content-location": place}
    try:
        run, subscription = await services.watcher.follow(*which, after)
    except NotFound:
        missing = error_frame("HTTPException", "404: Run not found")
        return Response(missing, headers=dict(headers))
    if after is not None:
        services.metrics.increment(specs.STREAM_RESUMES_TOTAL)
    answer = RunStream(
        subscription,
        services.metrics,
        assistant_label(run.assistant_id, run.graph_id),
        services.settings.server.heartbeat_seconds,
        run.run_id,
        with_ids=bool(run.kwargs.get("resumable")),
        modes=_modes(stream_mode),
        label=(stream_mode or [""])[0] or run.kwargs["stream_mode"][0],
        on_disconnect="cancel" if leave else "continue",
        on_left=_cancel_when_left(services, run) if leave else None,
        requested=0.0,
    )
    return StreamedAnswer(answer.frames(), headers)


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


async def _create(
    services: Services, thread_id: ThreadId, body: RunCreate, request: Request, run_id: RunId
) -> Run:
    caller = await caller_of(request)
    assistant = await services.assistants.resolve(body.assistant_id)
    wanted = run_request(
        body,
        assistant,
        run_id=run_id,
        thread_id=thread_id,
        request_id=request.scope["state"]["request_id"],
        signed=caller.configurable,
    )
    wanted, allowed = await authorized_run(caller, body, assistant, wanted, thread_id)
    return await services.creator.create(
        thread_id,
        wanted,
        make_thread=body.if_not_exists == "create",
        key=await idempotency_key(request, thread_id=thread_id),
        allowed=allowed,
    )


def _awaited(
    services: Services,
    thread_id: ThreadId,
    run_id: RunId,
    on_left: Callable[[], None] | None,
    heard: asyncio.Future[RunEnd] | None = None,
) -> Response:
    place = f"/threads/{thread_id}/runs/{run_id}"
    return AwaitedAnswer(
        services.watcher.ended(thread_id, run_id, heard),
        {"location": f"{place}/join", "content-location": place},
        heartbeat_seconds=services.settings.server.heartbeat_seconds,
        on_left=on_left,
    )


def _cancel_when_left(services: Services, run: Run) -> Callable[[], None]:
    return _cancel_by_id_when_left(services, run.thread_id, run.run_id)


def _cancel_by_id_when_left(
    services: Services, thread_id: ThreadId, run_id: RunId
) -> Callable[[], None]:
    def leave() -> None:
        errand = services.canceller.cancel(
            thread_id, [run_id], CancelAction.INTERRUPT, message=LEFT
        )
        services.errands.run("cancel_on_disconnect", errand)

    return leave


def _place(run: Run) -> str:
    return f"/threads/{run.thread_id}/runs/{run.run_id}"


def new_run_id() -> RunId:
    """A new run's id; ids made later sort later."""
    return RunId(str(uuid7()))


def _event_id(text: str | None) -> EventId | None:
    if text is None:
        return None
    try:
        return EventId.parse(text)
    except ValueError:
        raise InvalidRequest(f"Last-Event-ID: {text!r} is not an event id") from None


def _modes(given: list[str] | None) -> frozenset[str] | None:
    """The event names a reader wants; None means all.

    Clients send the modes repeated, with commas, as a JSON list, or an empty text for all.
    """
    modes: list[str] = []
    for text in given or ():
        modes += _listed(text) if text.startswith("[") else text.split(",")
    names = frozenset("messages" if mode == "messages-tuple" else mode for mode in modes if mode)
    return names or None


def _listed(text: str) -> list[str]:
    try:
        modes = orjson.loads(text)
    except orjson.JSONDecodeError:
        modes = None
    if not isinstance(modes, list) or not all(isinstance(mode, str) for mode in modes):
        raise InvalidRequest(f"stream_mode: {text!r} is not a list of stream modes")
    return modes
