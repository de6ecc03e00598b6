"""Threads: create, show, change, delete, find, copy, prune."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from uuid_utils.compat import uuid7

from outrigger_server.api.auth.caller import Caller, CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import problems
from outrigger_server.api.extracts import extracted, read_extracts
from outrigger_server.api.idempotency import idempotency_key
from outrigger_server.api.render import json_response, storage_json, thread_json
from outrigger_server.api.services import ServicesOf, ThreadIdOf
from outrigger_server.api.wire.threads import (
    ThreadCount,
    ThreadCreate,
    ThreadPatch,
    ThreadPrune,
    ThreadSearch,
)
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import AlreadyExists, InvalidRequest
from outrigger_server.stores.thread_search import (
    ThreadFilter,
    ThreadQuery,
    count_threads,
    search_threads,
)
from outrigger_server.stores.threads import get_thread, patch_thread, stored_amounts
from outrigger_server.threads.create import NewThread

router = APIRouter(prefix="/threads", tags=["Threads"], route_class=JsonRoute)

INCLUDABLE = frozenset({"ttl"})

Include = Annotated[list[str] | None, Query()]


@router.post("", responses=problems(400, 404, 409, 410))
async def create(
    body: ThreadCreate, request: Request, services: ServicesOf, caller: CallerOf
) -> Response:
    """Make a thread, empty or with the history that supersteps come to."""
    thread_id = ThreadId(str(body.thread_id or uuid7()))
    value: dict[str, Any] = {
        "thread_id": UUID(thread_id),
        "metadata": body.metadata or {},
        "if_exists": body.if_exists,
    }
    allowed = await caller.authorized("threads", "create", value)
    new = NewThread(
        thread_id=thread_id,
        metadata=value["metadata"],
        ttl=body.ttl.value if body.ttl is not None else None,
        supersteps=[[each.update for each in step.updates] for step in body.supersteps or ()],
    )
    key = await idempotency_key(request)
    try:
        thread = await services.thread_creator.create(new, key)
    except AlreadyExists:
        if body.if_exists == "raise":
            raise
        thread = await services.database.read(partial(get_thread, thread_id=new.thread_id))
        if not allowed.matches(thread.metadata):
            raise
    return json_response(thread_json(thread))


@router.post("/search")
async def search(body: ThreadSearch, services: ServicesOf, caller: CallerOf) -> Response:
    """Find threads; those changed last come first unless said otherwise."""
    query = ThreadQuery(
        **await _conditions(caller, body, limit=body.limit, offset=body.offset),
        sort_by=body.sort_by or "updated_at",
        descending=body.sort_order != "asc",
        limit=body.limit,
        offset=body.offset,
    )
    extracts = read_extracts(body.extract or {})
    names = _selected_names(body.select)
    page = await services.database.read(partial(search_threads, query=query))
    shown = []
    for thread in page.threads:
        whole = thread_json(thread)
        fields = {name: value for name, value in whole.items() if names is None or name in names}
        if extracts:
            fields["extracted"] = extracted(thread, extracts)
        shown.append(fields)
    return json_response(shown, headers=paging(page.total, body.offset, len(shown)))


@router.post("/count")
async def count(body: ThreadCount, services: ServicesOf, caller: CallerOf) -> Response:
    """Count threads."""
    wanted = ThreadFilter(**await _conditions(caller, body))
    return json_response(await services.database.read(partial(count_threads, wanted=wanted)))


async def _conditions(caller: Caller, body: ThreadCount, **page: int) -> dict[str, Any]:
    """What is wanted, as the rules leave it."""
    value: dict[str, Any] = {
        "metadata": body.metadata or {},
        "values": body.values or {},
        "status": body.status,
        "ids": body.ids,
        **page,
    }
    allowed = await caller.authorized("threads", "search", value)
    return {
        "metadata": value["metadata"],
        "values": value["values"],
        "status": body.status,
        "ids": tuple(str(each) for each in body.ids) if body.ids is not None else None,
        "allowed": allowed,
    }


def _selected_names(names: list[str] | None) -> frozenset[str] | None:
    for name in names or ():
        if name not in THREAD_FIELDS:
            raise InvalidRequest(f"select: {name!r} is not a field of a thread")
    return frozenset(names) if names is not None else None


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


@router.post("/prune")
async def prune(body: ThreadPrune, services: ServicesOf, caller: CallerOf) -> Response:
    """Remove threads, or all of them but where they stand; say how many there were."""
    thread_ids = [ThreadId(str(each)) for each in body.thread_ids]
    allowed = await caller.authorized("threads", "delete", {"thread_ids": [*body.thread_ids]})
    pruned = await services.pruner.prune(thread_ids, body.strategy, allowed)
    return json_response({"pruned_count": pruned})


@router.get("/{thread_id}")
async def get(
    thread_id: ThreadIdOf, services: ServicesOf, caller: CallerOf, include: Include = None
) -> Response:
    """Show a thread, with its time to live when that is asked for."""
    wanted = _included(include)
    await caller.thread("read", thread_id)
    thread = await services.database.read(partial(get_thread, thread_id=thread_id))
    return json_response(thread_json(thread, with_ttl="ttl" in wanted))


def _included(include: list[str] | None) -> frozenset[str]:
    """More fields that a client asks for, repeated or with commas."""
    names = frozenset(name for text in include or () for name in text.split(",") if name)
    for name in names - INCLUDABLE:
        raise InvalidRequest(f"include: {name!r} cannot be included; only ttl can")
    return names


@router.patch("/{thread_id}", responses={204: {"description": "Done, with Prefer"}})
async def patch(
    thread_id: ThreadIdOf,
    body: ThreadPatch,
    services: ServicesOf,
    caller: CallerOf,
    include: Include = None,
    prefer: Annotated[str | None, Header()] = None,
) -> Response:
    """Merge metadata into a thread's, or give it a time to live that begins now."""
    wanted = _included(include)
    value: dict[str, Any] = {"thread_id": UUID(thread_id), "metadata": body.metadata or {}}
    allowed = await caller.authorized("threads", "update", value)
    job = partial(
        patch_thread,
        thread_id=thread_id,
        metadata=value["metadata"],
        now=services.clock.now(),
        ttl=body.ttl.value if body.ttl is not None else None,
        allowed=allowed,
    )
    thread = await services.database.write(job)
    if prefer == "return=minimal":
        return Response(status_code=204)
    return json_response(thread_json(thread, with_ttl="ttl" in wanted))


@router.delete("/{thread_id}", status_code=204)
async def delete(thread_id: ThreadIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Remove a thread with everything on it; runs in flight are stopped."""
    await caller.thread("delete", thread_id)
    await services.canceller.delete_thread(thread_id)
    return Response(status_code=204)


@router.post("/{thread_id}/copy", responses=problems(409))
async def copy(thread_id: ThreadIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Make another thread with this one's metadata, state and history, but none of its runs."""
    await caller.thread("read", thread_id)
    new = uuid7()
    value: dict[str, Any] = {"thread_id": new}
    await caller.authorized("threads", "create", value)
    # What the rules say of a new thread holds for this one: it is the caller's.
    made = await services.copier.copy(thread_id, ThreadId(str(new)), value.get("metadata"))
    return json_response(thread_json(made))


@router.get("/{thread_id}/storage")
async def storage(thread_id: ThreadIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Show how many bytes the thread's history takes, as stored."""
    await caller.thread("read", thread_id)
    amounts = await services.database.read(partial(stored_amounts, thread_id=thread_id))
    return json_response(storage_json(thread_id, amounts))
