"""Crons: make, show, change, delete, search."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from uuid_utils.compat import uuid7

from outrigger_server.api.auth.caller import Caller, CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import problems
from outrigger_server.api.render import cron_json, json_response
from outrigger_server.api.services import UUID_FORMAT, Services, ServicesOf, ThreadIdOf
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


async def _cron_id(cron_id: Annotated[str, Path(json_schema_extra=UUID_FORMAT)]) -> str:
    try:
        return str(uuid.UUID(cron_id))
    except ValueError:
        raise InvalidRequest("Invalid cron ID: must be a UUID") from None


CronIdOf = Annotated[str, Depends(_cron_id)]


@router.post("/threads/{thread_id}/runs/crons", responses=problems(400))
async def create_on_thread(
    thread_id: ThreadIdOf, body: CronCreate, services: ServicesOf, caller: CallerOf
) -> Response:
    """Make a cron whose runs are the thread's."""
    await caller.thread("update", thread_id)
    return json_response(cron_json(await _create(services, caller, body, thread_id)))


@router.post("/runs/crons", responses=problems(400, 404))
async def create(body: CronCreate, services: ServicesOf, caller: CallerOf) -> Response:
    """Make a cron whose runs have a thread of their own each."""
    return json_response(cron_json(await _create(services, caller, body, None)))


async def _create(
    services: Services, caller: Caller, body: CronCreate, thread_id: ThreadId | None
) -> Cron:
    try:
        assistant = await services.assistants.resolve(body.assistant_id)
    except (InvalidRequest, NotFound) as error:
        raise NotFound(f"Assistant '{body.assistant_id}' not found") from error
    about = {"assistant_id": uuid.UUID(assistant.assistant_id)}
    allowed = await caller.authorized("assistants", "read", about)
    caller.check_run_of(allowed, assistant, f"Assistant '{body.assistant_id}' not found")
    cron_id = uuid7()
    value: dict[str, Any] = {
        "payload": body.payload,
        "schedule": body.schedule,
        "cron_id": cron_id,
        "thread_id": uuid.UUID(thread_id) if thread_id is not None else None,
        "user_id": caller.user.identity if caller.user is not None else None,
        "end_time": body.end_time,
        "metadata": body.metadata or {},
    }
    await caller.authorized("crons", "create", value)
    return await services.crons.create(
        CronOrder(
            cron_id=str(cron_id),
            signed=caller.signature,
            assistant_id=assistant.assistant_id,
            thread_id=thread_id,
            schedule=body.schedule,
            timezone=body.timezone,
            end_at=body.end_at,
            payload={**value["payload"], "assistant_id": assistant.assistant_id},
            metadata=value["metadata"],
            on_run_completed=body.on_run_completed if thread_id is None else None,
            enabled=body.enabled,
        )
    )


@router.post("/runs/crons/search")
async def search(body: CronSearch, services: ServicesOf, caller: CallerOf) -> Response:
    """Find crons; the newest first unless said otherwise."""
    sort_by = body.sort_by or "created_at"
    page = CronPage(
        limit=body.limit,
        offset=body.offset,
        sort_by=COLUMNS.get(sort_by, sort_by),
        descending=body.sort_order != "asc",
    )
    found, total = await services.crons.search(
        await _filter(caller, body, limit=body.limit, offset=body.offset), page
    )
    shown = [cron_json(cron) for cron in found]
    if body.select:
        shown = [{name: each[name] for name in body.select} for each in shown]
    return json_response(shown, headers=paging(total, body.offset, len(shown)))


@router.post("/runs/crons/count")
async def count(body: CronCount, services: ServicesOf, caller: CallerOf) -> Response:
    """Count crons."""
    return json_response(await services.crons.count(await _filter(caller, body)))


async def _filter(caller: Caller, body: CronCount, **page: int) -> CronFilter:
    """What is wanted, as the rules leave it."""
    value: dict[str, Any] = {
        "assistant_id": body.assistant_id,
        "thread_id": body.thread_id,
        "metadata": body.metadata or {},
        **page,
    }
    allowed = await caller.authorized("crons", "search", value)
    return CronFilter(
        assistant_id=None if body.assistant_id is None else str(body.assistant_id),
        thread_id=None if body.thread_id is None else ThreadId(str(body.thread_id)),
        enabled=body.enabled,
        metadata=value["metadata"],
        allowed=allowed,
    )


@router.get("/runs/crons/{cron_id}")
async def get(cron_id: CronIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Show a cron."""
    allowed = await caller.authorized("crons", "read", {"cron_id": uuid.UUID(cron_id)})
    return json_response(cron_json(await services.crons.get(cron_id, allowed)))


@router.patch("/runs/crons/{cron_id}", responses=problems(400))
async def patch(
    cron_id: CronIdOf, body: CronPatch, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change a cron; when it fires next is reckoned anew from now on."""
    if not body.model_fields_set:
        raise BadState("Request body cannot be empty: name the fields that are to change")
    about = {"cron_id": uuid.UUID(cron_id), "payload": body.payload}
    value: dict[str, Any] = {**about, **body.changes}
    allowed = await caller.authorized("crons", "update", value)
    changes = {name: value[name] for name in body.changes}
    changed = await services.crons.patch(cron_id, changes, value["payload"], allowed)
    return json_response(cron_json(changed))


@router.delete("/runs/crons/{cron_id}", status_code=204)
async def delete(cron_id: CronIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Remove a cron; the runs that it made stay."""
    allowed = await caller.authorized("crons", "delete", {"cron_id": uuid.UUID(cron_id)})
    await services.crons.delete(cron_id, allowed)
    return Response(status_code=204)
