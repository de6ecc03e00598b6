"""Threads: create, show, change, delete, search; their state and history."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from uuid_utils.compat import uuid7

from outrigger_server.api.auth.caller import CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import problems
from outrigger_server.api.idempotency import idempotency_key
from outrigger_server.api.render import json_response, thread_json
from outrigger_server.api.services import (
    Flag,
    Services,
    ServicesOf,
    ThreadIdOf,
    checkpoint_id_of,
    flag,
    number_schema,
    page_number,
)
from outrigger_server.api.wire.fields import MAX_PAGE, CheckpointBody
from outrigger_server.api.wire.threads import (
    HistoryBody,
    StateAtCheckpointBody,
    StateUpdateBody,
    ThreadCreate,
    ThreadPatch,
    ThreadSearch,
)
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import AlreadyExists, InvalidRequest
from outrigger_server.stores.threads import (
    ThreadQuery,
    create_thread,
    get_thread,
    patch_thread,
    search_threads,
)
from outrigger_server.threads.create import create_thread_once
from outrigger_server.threads.state import HistoryQuery, StateUpdate

router = APIRouter(prefix="/threads", tags=["Threads"], route_class=JsonRoute)


@router.post("", responses=problems(409, 410))
async def create(
    body: ThreadCreate, request: Request, services: ServicesOf, caller: CallerOf
) -> Response:
    """Make a thread."""
    thread_id = ThreadId(str(body.thread_id or uuid7()))
    value: dict[str, Any] = {
        "thread_id": UUID(thread_id),
        "metadata": body.metadata or {},
        "if_exists": body.if_exists,
    }
    allowed = await caller.authorized("threads", "create", value)
    key = await idempotency_key(request)
    job = partial(
        create_thread if key is None else partial(create_thread_once, key=key),
        thread_id=thread_id,
        metadata=value["metadata"],
        now=services.clock.now(),
    )
    try:
        thread = await services.database.write(job)
    except AlreadyExists:
        if body.if_exists == "raise":
            raise
        thread = await services.database.read(partial(get_thread, thread_id=thread_id))
        if not allowed.matches(thread.metadata):
            raise
    return json_response(thread_json(thread))


@router.post("/search")
async def search(body: ThreadSearch, services: ServicesOf, caller: CallerOf) -> Response:
    """Find threads; the newest first unless said otherwise."""
    value: dict[str, Any] = {
        "metadata": body.metadata or {},
        "values": body.values or {},
        "status": body.status,
        "limit": body.limit,
        "offset": body.offset,
        "ids": body.ids,
    }
    allowed = await caller.authorized("threads", "search", value)
    query = ThreadQuery(
        metadata=value["metadata"],
        values=value["values"],
        status=body.status,
        ids=tuple(str(each) for each in body.ids) if body.ids is not None else None,
        sort_by=body.sort_by or "created_at",
        descending=body.sort_order != "asc",
        limit=body.limit,
        offset=body.offset,
        allowed=allowed,
    )
    page = await services.database.read(partial(search_threads, query=query))
    shown = [thread_json(thread) for thread in page.threads]
    if body.select is not None:
        shown = [_selected(thread, body.select) for thread in shown]
    return json_response(shown, headers=paging(page.total, body.offset, len(shown)))


def _selected(thread: dict[str, Any], names: list[str]) -> dict[str, Any]:
    for name in names:
        if name not in THREAD_FIELDS:
            raise InvalidRequest(f"select: {name!r} is not a field of a thread")
    return {name: thread[name] for name in names if name in thread}


THREAD_FIELDS = frozenset(
    {
        "thread_id",
        "created_at",
        "updated_at",
        "state_updated_at",
        "metadata",
        "status",
        "config",
        "values",
        "error",
        "interrupts",
    }
)


def paging(total: int, offset: int, shown: int) -> dict[str, str]:
    """The headers that say where a page stands; no next one at the end."""
    headers = {"x-pagination-total": str(total)}
    if offset + shown < total:
        headers["x-pagination-next"] = str(offset + shown)
    return headers


@router.get("/{thread_id}")
async def get(thread_id: ThreadIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Show a thread."""
    await caller.thread("read", thread_id)
    thread = await services.database.read(partial(get_thread, thread_id=thread_id))
    return json_response(thread_json(thread))


@router.patch("/{thread_id}")
async def patch(
    thread_id: ThreadIdOf, body: ThreadPatch, services: ServicesOf, caller: CallerOf
) -> Response:
    """Merge metadata into a thread's."""
    value: dict[str, Any] = {"thread_id": UUID(thread_id), "metadata": body.metadata or {}}
    allowed = await caller.authorized("threads", "update", value)
    job = partial(
        patch_thread,
        thread_id=thread_id,
        metadata=value["metadata"],
        now=services.clock.now(),
        allowed=allowed,
    )
    return json_response(thread_json(await services.database.write(job)))


@router.delete("/{thread_id}", status_code=204)
async def delete(thread_id: ThreadIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Remove a thread with everything on it; runs in flight are stopped."""
    await caller.thread("delete", thread_id)
    await services.canceller.delete_thread(thread_id)
    return Response(status_code=204)


@router.get("/{thread_id}/state", responses=problems(400))
async def state(
    thread_id: ThreadIdOf,
    caller: CallerOf,
    services: ServicesOf,
    subgraphs: Flag = None,
) -> Response:
    """Show the state at the head of the history."""
    await caller.thread("read", thread_id)
    return json_response(await services.states.get(thread_id, subgraphs=flag(subgraphs)))


@router.get("/{thread_id}/state/{checkpoint_id}", responses=problems(400))
async def state_at(
    thread_id: ThreadIdOf,
    caller: CallerOf,
    checkpoint_id: str,
    services: ServicesOf,
    subgraphs: Flag = None,
) -> Response:
    """Show the state at a checkpoint."""
    await caller.thread("read", thread_id)
    return json_response(
        await services.states.get(
            thread_id, checkpoint_id=checkpoint_id_of(checkpoint_id), subgraphs=flag(subgraphs)
        )
    )


@router.post("/{thread_id}/state/checkpoint", responses=problems(400))
async def state_at_checkpoint(
    thread_id: ThreadIdOf, body: StateAtCheckpointBody, services: ServicesOf, caller: CallerOf
) -> Response:
    """Show the state at a checkpoint given as an object."""
    await caller.thread("read", thread_id)
    return json_response(
        await services.states.get(
            thread_id,
            checkpoint_id=checkpoint_id_of(body.checkpoint.checkpoint_id),
            subgraphs=body.subgraphs,
        )
    )


@router.post("/{thread_id}/state", responses=problems(400, 409))
async def update_state(
    thread_id: ThreadIdOf, body: StateUpdateBody, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change the state; refused while a run is in flight."""
    await caller.thread("update", thread_id)
    change = StateUpdate(body.values, body.as_node, _checkpoint_of(body))
    config = await services.states.update(thread_id, change)
    place = {
        key: config["configurable"].get(key)
        for key in ("thread_id", "checkpoint_ns", "checkpoint_id")
    }
    return json_response(
        {"checkpoint": place, "configurable": place, "checkpoint_id": place["checkpoint_id"]}
    )


def _checkpoint_of(body: StateUpdateBody) -> str | None:
    if body.checkpoint_id is not None:
        return checkpoint_id_of(body.checkpoint_id)
    return checkpoint_id_of(body.checkpoint.checkpoint_id if body.checkpoint else None)


@router.get("/{thread_id}/history", responses=problems(400))
async def history(
    thread_id: ThreadIdOf,
    caller: CallerOf,
    services: ServicesOf,
    limit: Annotated[str, Query(json_schema_extra=number_schema(1, MAX_PAGE, 10))] = "10",
    before: Annotated[str | None, Query()] = None,
) -> Response:
    """List the states the thread went through, newest first."""
    await caller.thread("read", thread_id)
    wanted = page_number("limit", limit, least=1, most=MAX_PAGE)
    return await _history(services, thread_id, HistoryQuery(wanted, checkpoint_id_of(before)))


@router.post("/{thread_id}/history", responses=problems(400))
async def history_by_body(
    thread_id: ThreadIdOf, body: HistoryBody, services: ServicesOf, caller: CallerOf
) -> Response:
    """List the states the thread went through, newest first."""
    await caller.thread("read", thread_id)
    at = checkpoint_id_of(body.checkpoint.checkpoint_id if body.checkpoint else None)
    query = HistoryQuery(body.limit, _before(body.before), body.metadata, at)
    return await _history(services, thread_id, query)


async def _history(services: Services, thread_id: ThreadId, query: HistoryQuery) -> Response:
    return json_response(await services.states.history(thread_id, query))


def _before(given: str | dict[str, Any] | None) -> str | None:
    """A checkpoint's id, from the id, a checkpoint or a configuration that holds one."""
    if given is None or isinstance(given, str):
        return checkpoint_id_of(given)
    place = given.get("configurable", given)
    found = CheckpointBody.model_validate(place).checkpoint_id if isinstance(place, dict) else None
    if found is None:
        raise InvalidRequest("before: give a checkpoint id, or a checkpoint that has one")
    return checkpoint_id_of(found)
