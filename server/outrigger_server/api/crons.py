"""Crons: make, show, change, delete, search."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.render import cron_json, json_response
from outrigger_server.api.services import Services, ServicesOf, ThreadIdOf
from outrigger_server.api.threads import paging
from outrigger_server.api.wire.crons import CronCount, CronCreate, CronPatch, CronSearch
from outrigger_server.crons.register import CronOrder
from outrigger_server.domain.cron import Cron
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import BadState, InvalidRequest, NotFound
from outrigger_server.stores.crons import CronFilter, CronPage

router = APIRouter(tags=["Crons"], route_class=JsonRoute)

COLUMNS = {"next_run_date": "next_run_at", "end_time": "end_at"}
"""The protocol's names where they are not ours."""


async def _cron_id(cron_id: Annotated[str, Path()]) -> str:
    try:
        return str(uuid.UUID(cron_id))
    except ValueError:
        raise InvalidRequest("Invalid cron ID: must be a UUID") from None


CronIdOf = Annotated[str, Depends(_cron_id)]


@router.post("/threads/{thread_id}/runs/crons")
async def create_on_thread(
    thread_id: ThreadIdOf, body: CronCreate, services: ServicesOf
) -> Response:
    """Make a cron whose runs are the thread's."""
    return json_response(cron_json(await _create(services, body, thread_id)))


@router.post("/runs/crons")
async def create(body: CronCreate, services: ServicesOf) -> Response:
    """Make a cron whose runs have a thread of their own each."""
    return json_response(cron_json(await _create(services, body, None)))


async def _create(services: Services, body: CronCreate, thread_id: ThreadId | None) -> Cron:
    try:
        assistant = await services.assistants.resolve(body.assistant_id)
    except (InvalidRequest, NotFound) as error:
        raise NotFound(f"Assistant '{body.assistant_id}' not found") from error
    return await services.crons.create(
        CronOrder(
            assistant_id=assistant.assistant_id,
            thread_id=thread_id,
            schedule=body.schedule,
            timezone=body.timezone,
            end_at=body.end_at,
            payload={**body.payload, "assistant_id": assistant.assistant_id},
            metadata=body.metadata or {},
            on_run_completed=body.on_run_completed if thread_id is None else None,
            enabled=body.enabled,
        )
    )


@router.post("/runs/crons/search")
async def search(body: CronSearch, services: ServicesOf) -> Response:
    """Find crons; the newest first unless said otherwise."""
    sort_by = body.sort_by or "created_at"
    page = CronPage(
        limit=body.limit,
        offset=body.offset,
        sort_by=COLUMNS.get(sort_by, sort_by),
        descending=body.sort_order != "asc",
    )
    found, total = await services.crons.search(_filter(body), page)
    shown = [cron_json(cron) for cron in found]
    if body.select:
        shown = [{name: each[name] for name in body.select} for each in shown]
    return json_response(shown, headers=paging(total, body.offset, len(shown)))


@router.post("/runs/crons/count")
async def count(body: CronCount, services: ServicesOf) -> Response:
    """Count crons."""
    return json_response(await services.crons.count(_filter(body)))


def _filter(body: CronCount) -> CronFilter:
    return CronFilter(
        assistant_id=None if body.assistant_id is None else str(body.assistant_id),
        thread_id=None if body.thread_id is None else ThreadId(str(body.thread_id)),
        enabled=body.enabled,
        metadata=body.metadata,
    )


@router.get("/runs/crons/{cron_id}")
async def get(cron_id: CronIdOf, services: ServicesOf) -> Response:
    """Show a cron."""
    return json_response(cron_json(await services.crons.get(cron_id)))


@router.patch("/runs/crons/{cron_id}")
async def patch(cron_id: CronIdOf, body: CronPatch, services: ServicesOf) -> Response:
    """Change a cron; when it fires next is reckoned anew from now on."""
    if not body.model_fields_set:
        raise BadState("Request body cannot be empty: name the fields that are to change")
    changed = await services.crons.patch(cron_id, body.changes, body.payload)
    return json_response(cron_json(changed))


@router.delete("/runs/crons/{cron_id}")
async def delete(cron_id: CronIdOf, services: ServicesOf) -> Response:
    """Remove a cron; the runs that it made stay."""
    await services.crons.delete(cron_id)
    return Response(status_code=204)
