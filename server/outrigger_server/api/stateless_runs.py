"""Runs without a thread of the caller's, and runs of several threads: batches and cancels."""

import uuid
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from uuid_utils.compat import uuid7

from outrigger_server.api.auth.caller import CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import EventStream, problems
from outrigger_server.api.idempotency import HEADER
from outrigger_server.api.rates import take_all
from outrigger_server.api.render import json_response
from outrigger_server.api.run_answers import Reading, RunAnswers, new_run_id
from outrigger_server.api.runs import ACTIONS, stream_modes
from outrigger_server.api.services import RunIdOf, ServicesOf, event_id_of
from outrigger_server.api.wire.runs import CancelMany, RunBatch, StatelessRunCreate
from outrigger_server.domain.run import CancelAction, RunId, RunStatus, ThreadId
from outrigger_server.domain.shown_run import run_json
from outrigger_server.errors import InvalidRequest, NotFound
from outrigger_server.runs.cancel import NOTHING_FOUND
from outrigger_server.stores.run_rows import find_run

router = APIRouter(prefix="/runs", tags=["Stateless Runs"], route_class=JsonRoute)

NOBODYS = ThreadId("")
"""On it, no run is found."""

STATUSES = {
    "pending": (RunStatus.PENDING,),
    "running": (RunStatus.RUNNING,),
    # Those that start meanwhile are met as running ones.
    "all": (RunStatus.PENDING, RunStatus.RUNNING),
}


@router.post("", responses=problems(400, 404, 409, 410))
async def create(body: StatelessRunCreate, request: Request, services: ServicesOf) -> Response:
    """Start a run in the background, on a thread of its own."""
    return await RunAnswers(services, request, stateless=True).background(body, _new_thread_id())


@router.post("/wait", responses=problems(400, 404, 409, 410))
async def wait(body: StatelessRunCreate, request: Request, services: ServicesOf) -> Response:
    """Start such a run and answer with its final values."""
    return await RunAnswers(services, request, stateless=True).waited(body, _new_thread_id())


@router.post("/stream", response_class=EventStream, responses=problems(400, 404, 409, 410))
async def stream(body: StatelessRunCreate, request: Request, services: ServicesOf) -> Response:
    """Start such a run and stream it."""
    return await RunAnswers(services, request, stateless=True).streamed(body, _new_thread_id())


@router.get("/{run_id}/stream", response_class=EventStream)
async def join_stream(
    run_id: RunIdOf,
    request: Request,
    services: ServicesOf,
    caller: CallerOf,
    stream_mode: Annotated[list[str] | None, Query()] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Go on with such a stream where `Location` said: from behind the last event the client had."""
    run = await services.database.read(partial(find_run, run_id=run_id))
    reading = Reading(
        modes=stream_modes(stream_mode),
        label=(stream_mode or [""])[0],
        after=event_id_of(last_event_id),
    )
    thread_id = NOBODYS
    if run is not None:
        with suppress(NotFound):  # hidden: as if it were not there
            await caller.thread("read", run.thread_id)
            thread_id = run.thread_id
    answers = RunAnswers(services, request, stateless=True)
    return await answers.rejoined(thread_id, run_id, reading)


@router.post("/batch", responses=problems(400, 404))
async def create_batch(body: RunBatch, request: Request, services: ServicesOf) -> Response:
    """Start several such runs in the background: all of them or none."""
    if HEADER in request.headers:
        raise InvalidRequest(
            "Idempotency-Key: not served for batches; create the runs one by one, each with a "
            "key of its own"
        )
    await take_all(request, len(body))
    answers = RunAnswers(services, request, stateless=True)
    wanted = []
    for each in body:
        thread_id = _new_thread_id()
        # The threads are new: what may be used of others' is the assistant, which is checked.
        ruled, _ = await answers.wanted(each, thread_id, new_run_id())
        wanted.append((thread_id, ruled))
    created = await services.creator.create_batch(wanted)
    return json_response([run_json(run) for run in created])


@router.post("/cancel", status_code=204, responses=problems(404, 409))
async def cancel_many(
    body: CancelMany,
    services: ServicesOf,
    caller: CallerOf,
    action: Annotated[str, Query(json_schema_extra=ACTIONS)] = "interrupt",
) -> Response:
    """Stop runs of a thread, or every run with a status."""
    chosen = CancelAction.ROLLBACK if action == "rollback" else CancelAction.INTERRUPT
    message = f"{chosen.value} requested via POST /runs/cancel"
    asked: dict[str, Any] = {
        "action": chosen.value,
        "metadata": {"run_ids": None, "status": body.status},
    }
    if body.status is not None:
        allowed = await caller.authorized("threads", "update", {"thread_id": None, **asked})
        await services.canceller.cancel_all(
            STATUSES[body.status], chosen, message=message, allowed=allowed
        )
        return Response(status_code=204)
    thread_id = ThreadId(_uuid(body.thread_id, "thread"))
    run_ids = [RunId(_uuid(each, "run")) for each in body.run_ids or ()]
    if not run_ids:
        raise NotFound(NOTHING_FOUND)
    asked["metadata"] = {"run_ids": [uuid.UUID(each) for each in run_ids], "status": None}
    await caller.thread("update", thread_id, NOTHING_FOUND, **asked)
    await services.canceller.cancel(thread_id, run_ids, chosen, message=message)
    return Response(status_code=204)


def _uuid(text: str | None, what: str) -> str:
    try:
        return str(uuid.UUID(text))
    except (TypeError, ValueError):
        raise InvalidRequest(f"Invalid {what} ID: must be a UUID") from None


def _new_thread_id() -> ThreadId:
    return ThreadId(str(uuid7()))
