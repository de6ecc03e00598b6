"""Runs without a thread of the caller's, and runs of several threads: batches and cancels."""

import uuid
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from uuid_utils.compat import uuid7

from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.idempotency import HEADER
from outrigger_server.api.render import json_response
from outrigger_server.api.run_answers import Reading, RunAnswers, new_run_id
from outrigger_server.api.runs import stream_modes
from outrigger_server.api.services import RunIdOf, Services, ServicesOf, event_id_of
from outrigger_server.api.wire.runs import CancelMany, RunBatch, StatelessRunCreate
from outrigger_server.domain.run import CancelAction, RunId, RunStatus, ThreadId
from outrigger_server.domain.shown_run import run_json
from outrigger_server.errors import InvalidRequest, NotFound
from outrigger_server.runs.cancel import NOTHING_FOUND
from outrigger_server.stores.run_rows import find_run

router = APIRouter(prefix="/runs", tags=["Stateless Runs"], route_class=JsonRoute)

STATUSES = {
    "pending": (RunStatus.PENDING,),
    "running": (RunStatus.RUNNING,),
    # Those that start meanwhile are met as running ones.
    "all": (RunStatus.PENDING, RunStatus.RUNNING),
}


@router.post("")
async def create(body: StatelessRunCreate, request: Request, services: ServicesOf) -> Response:
    """Start a run in the background, on a thread of its own."""
    return await RunAnswers(services, request, stateless=True).background(body, _new_thread_id())


@router.post("/wait")
async def wait(body: StatelessRunCreate, request: Request, services: ServicesOf) -> Response:
    """Start such a run and answer with its final values."""
    return await RunAnswers(services, request, stateless=True).waited(body, _new_thread_id())


@router.post("/stream")
async def stream(body: StatelessRunCreate, request: Request, services: ServicesOf) -> Response:
    """Start such a run and stream it."""
    return await RunAnswers(services, request, stateless=True).streamed(body, _new_thread_id())


@router.get("/{run_id}/stream")
async def join_stream(
    run_id: RunIdOf,
    request: Request,
    services: ServicesOf,
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
    thread_id = ThreadId("") if run is None else run.thread_id
    answers = RunAnswers(services, request, stateless=True)
    return await answers.rejoined(thread_id, run_id, reading)


@router.post("/batch")
async def create_batch(body: RunBatch, request: Request, services: ServicesOf) -> Response:
    """Start several such runs in the background: all of them or none."""
    if HEADER in request.headers:
        raise InvalidRequest(
            "Idempotency-Key: not served for batches; create the runs one by one, each with a "
            "key of its own"
        )
    answers = RunAnswers(services, request, stateless=True)
    wanted = []
    for each in body:
        thread_id = _new_thread_id()
        wanted.append((thread_id, await answers.wanted(each, thread_id, new_run_id())))
    created = await services.creator.create_batch(wanted)
    return json_response([run_json(run) for run in created])


@router.post("/cancel")
async def cancel_many(
    body: CancelMany, services: ServicesOf, action: Annotated[str, Query()] = "interrupt"
) -> Response:
    """Stop runs of a thread, or every run with a status."""
    chosen = CancelAction.ROLLBACK if action == "rollback" else CancelAction.INTERRUPT
    message = f"{chosen.value} requested via POST /runs/cancel"
    if body.status is not None:
        await services.canceller.cancel_all(STATUSES[body.status], chosen, message=message)
    else:
        await _cancel_some(services, body, chosen, message)
    return Response(status_code=204)


async def _cancel_some(
    services: Services, body: CancelMany, action: CancelAction, message: str
) -> None:
    thread_id = ThreadId(_uuid(body.thread_id, "thread"))
    run_ids = [RunId(_uuid(each, "run")) for each in body.run_ids or ()]
    if not run_ids:
        raise NotFound(NOTHING_FOUND)
    await services.canceller.cancel(thread_id, run_ids, action, message=message)


def _uuid(text: str | None, what: str) -> str:
    try:
        return str(uuid.UUID(text))
    except (TypeError, ValueError):
        raise InvalidRequest(f"Invalid {what} ID: must be a UUID") from None


def _new_thread_id() -> ThreadId:
    return ThreadId(str(uuid7()))
