"""Assistants: make, show, change, delete, search; versions, and what their graphs are like."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from outrigger_server.api.auth.caller import Caller, CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import problems
from outrigger_server.api.render import assistant_json, json_response, version_json
from outrigger_server.api.services import UUID_FORMAT, Flag, Services, ServicesOf, flag
from outrigger_server.api.threads import paging
from outrigger_server.api.wire.assistants import (
    AssistantConfig,
    AssistantCount,
    AssistantCreate,
    AssistantPatch,
    AssistantSearch,
    LatestVersion,
    VersionsSearch,
)
from outrigger_server.domain.access import Filter
from outrigger_server.errors import InvalidRequest, NotFound
from outrigger_server.stores.assistants import AssistantChange, AssistantFilter, Page

router = APIRouter(prefix="/assistants", tags=["Assistants"], route_class=JsonRoute)

THREADS_AT_ONCE = 100
"""Threads looked up at a time while an assistant is deleted with its threads."""


async def _assistant_id(assistant_id: Annotated[str, Path(json_schema_extra=UUID_FORMAT)]) -> str:
    return assistant_id_of(assistant_id)


def assistant_id_of(text: str) -> str:
    """An assistant's id as a client sent it.

    Raises:
        InvalidRequest: It is no id.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidRequest("Invalid assistant ID: must be a UUID") from None


AssistantIdOf = Annotated[str, Depends(_assistant_id)]


@router.post("", responses=problems(400, 404, 409))
async def create(body: AssistantCreate, services: ServicesOf, caller: CallerOf) -> Response:
    """Make an assistant."""
    given = None if body.assistant_id is None else assistant_id_of(body.assistant_id)
    assistant_id = given or str(uuid.uuid4())
    value: dict[str, Any] = {
        "assistant_id": uuid.UUID(assistant_id),
        "graph_id": body.graph_id,
        "name": body.name,
        "config": _config(body.config) or {},
        "context": body.context or {},
        "metadata": body.metadata or {},
        "if_exists": body.if_exists,
    }
    allowed = await caller.authorized("assistants", "create", value)
    wanted = AssistantChange(
        name=body.name,
        description=body.description,
        config=_config(body.config),
        context=body.context,
        metadata=value["metadata"],
    )
    assistant = await services.editor.create(
        assistant_id,
        wanted,
        graph_id=body.graph_id,
        or_existing=body.if_exists == "do_nothing",
        allowed=allowed,
    )
    return json_response(assistant_json(assistant))


@router.post("/search", responses=problems(404))
async def search(body: AssistantSearch, services: ServicesOf, caller: CallerOf) -> Response:
    """Find assistants; the newest first unless said otherwise."""
    wanted = await _wanted(services, caller, body, limit=body.limit, offset=body.offset)
    page = Page(
        limit=body.limit,
        offset=body.offset,
        sort_by=body.sort_by or "created_at",
        descending=body.sort_order != "asc",
    )
    found, total = await services.assistants.search(wanted, page)
    shown = [assistant_json(assistant) for assistant in found]
    if body.select:
        shown = [{name: each[name] for name in body.select} for each in shown]
    return json_response(shown, headers=paging(total, body.offset, len(shown)))


@router.post("/count", responses=problems(404))
async def count(body: AssistantCount, services: ServicesOf, caller: CallerOf) -> Response:
    """Count assistants."""
    wanted = await _wanted(services, caller, body)
    return json_response(await services.assistants.count(wanted))


async def _wanted(
    services: Services, caller: Caller, body: AssistantCount, **page: int
) -> AssistantFilter:
    """What is wanted, as the rules leave it."""
    value: dict[str, Any] = {"graph_id": body.graph_id, "metadata": body.metadata or {}, **page}
    allowed = await caller.authorized("assistants", "search", value)
    return services.assistants.wanted(body.graph_id, body.name, value["metadata"], allowed)


@router.get("/{assistant_id}")
async def get(assistant_id: AssistantIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Show an assistant."""
    found = await services.assistants.get(assistant_id)
    await caller.assistant("read", found)
    return json_response(assistant_json(found))


@router.patch("/{assistant_id}", responses=problems(400, 409))
async def patch(
    assistant_id: AssistantIdOf, body: AssistantPatch, services: ServicesOf, caller: CallerOf
) -> Response:
    """Make a new version of an assistant."""
    value: dict[str, Any] = {
        "assistant_id": uuid.UUID(assistant_id),
        "graph_id": body.graph_id,
        "name": body.name,
        "config": _config(body.config),
        "context": body.context,
        "metadata": body.metadata,
    }
    allowed = await caller.authorized("assistants", "update", value)
    change = AssistantChange(
        graph_id=body.graph_id,
        name=body.name,
        description=body.description,
        config=_config(body.config),
        context=body.context,
        metadata=value["metadata"],
        clears_description="description" in body.model_fields_set,
    )
    changed = await services.editor.patch(assistant_id, change, allowed)
    return json_response(assistant_json(changed))


@router.delete("/{assistant_id}", status_code=204, responses=problems(409))
async def delete(
    assistant_id: AssistantIdOf,
    services: ServicesOf,
    caller: CallerOf,
    delete_threads: Flag = None,
) -> Response:
    """Remove an assistant with its versions and crons, and if asked for with its threads."""
    value = {"assistant_id": uuid.UUID(assistant_id)}
    allowed = await caller.authorized("assistants", "delete", value)
    if flag(delete_threads):
        await services.editor.require_own(assistant_id, allowed)
        about = {"assistant_id": value["assistant_id"]}
        theirs = await caller.authorized("threads", "delete", about)
        await _delete_threads(services, assistant_id, theirs)
    await services.editor.delete(assistant_id, allowed)
    return Response(status_code=204)


async def _delete_threads(services: Services, assistant_id: str, allowed: Filter) -> None:
    """Remove the threads first: who asks again after a failure finds the assistant still there."""
    while threads := await services.editor.some_threads(assistant_id, THREADS_AT_ONCE, allowed):
        for thread_id in threads:
            try:
                await services.canceller.delete_thread(thread_id)
            except NotFound:  # somebody else was faster
                continue


@router.post("/{assistant_id}/versions")
async def versions(
    assistant_id: AssistantIdOf, body: VersionsSearch, services: ServicesOf, caller: CallerOf
) -> Response:
    """List an assistant's versions, newest first."""
    if caller.rules is not None:
        await caller.assistant("read", await services.assistants.get(assistant_id))
    page = Page(limit=body.limit, offset=body.offset)
    found = await services.assistants.versions(assistant_id, body.metadata or {}, page)
    return json_response([version_json(version) for version in found])


@router.post("/{assistant_id}/latest", responses=problems(409))
async def set_latest(
    assistant_id: AssistantIdOf, body: LatestVersion, services: ServicesOf, caller: CallerOf
) -> Response:
    """Let an assistant be what it was in a version."""
    value = {"assistant_id": uuid.UUID(assistant_id), "version": body.version}
    allowed = await caller.authorized("assistants", "update", value)
    assistant = await services.editor.set_latest(assistant_id, body.version, allowed)
    return json_response(assistant_json(assistant))


@router.get("/{assistant_id}/graph", responses=problems(400))
async def graph(
    assistant_id: Annotated[str, Path()],
    services: ServicesOf,
    caller: CallerOf,
    xray: Annotated[str | None, Query()] = None,
) -> Response:
    """Draw an assistant's graph; the name of a graph is enough."""
    depth = _depth(xray)
    if assistant_id not in services.assistants.graph_ids:
        assistant_id = assistant_id_of(assistant_id)
    try:
        assistant = await services.assistants.resolve(assistant_id)
    except NotFound as error:
        raise NotFound from error
    await caller.assistant("read", assistant)
    return json_response(await services.drawings.graph(assistant, xray=depth))


@router.get("/{assistant_id}/schemas", responses=problems(400))
async def schemas(assistant_id: AssistantIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Show what an assistant's graph takes and gives."""
    assistant = await services.assistants.get(assistant_id)
    await caller.assistant("read", assistant)
    return json_response(await services.drawings.schemas(assistant))


@router.get("/{assistant_id}/subgraphs", responses=problems(400))
@router.get("/{assistant_id}/subgraphs/{namespace}", responses=problems(400))
async def subgraphs(
    assistant_id: AssistantIdOf,
    services: ServicesOf,
    caller: CallerOf,
    namespace: str | None = None,
    recurse: Flag = None,
) -> Response:
    """Show what the subgraphs of an assistant's graph take and give."""
    assistant = await services.assistants.get(assistant_id)
    await caller.assistant("read", assistant)
    shown = await services.drawings.subgraphs(assistant, namespace=namespace, recurse=flag(recurse))
    return json_response(shown)


def _config(config: AssistantConfig | None) -> dict[str, Any] | None:
    return None if config is None else config.model_dump(exclude_unset=True)


def _depth(xray: str | None) -> bool | int:
    if xray is None or xray.lower() in {"true", "false"}:
        return flag(xray)
    if not xray.isascii() or not xray.isdigit() or not 0 < len(xray) < 10 or int(xray) == 0:  # noqa: PLR2004
        raise InvalidRequest("Invalid xray value")
    return int(xray)
