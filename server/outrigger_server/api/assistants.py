"""Assistants: make, show, change, delete, search; versions, and what their graphs are like."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.render import assistant_json, json_response, version_json
from outrigger_server.api.services import Services, ServicesOf, flag
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
from outrigger_server.errors import InvalidRequest, NotFound
from outrigger_server.stores.assistants import AssistantChange, Page

router = APIRouter(prefix="/assistants", tags=["Assistants"], route_class=JsonRoute)

THREADS_AT_ONCE = 100
"""Threads looked up at a time while an assistant is deleted with its threads."""


async def _assistant_id(assistant_id: Annotated[str, Path()]) -> str:
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


@router.post("")
async def create(body: AssistantCreate, services: ServicesOf) -> Response:
    """Make an assistant."""
    wanted = AssistantChange(
        name=body.name,
        description=body.description,
        config=_config(body.config),
        context=body.context,
        metadata=body.metadata,
    )
    assistant = await services.editor.create(
        None if body.assistant_id is None else assistant_id_of(body.assistant_id),
        wanted,
        graph_id=body.graph_id,
        or_existing=body.if_exists == "do_nothing",
    )
    return json_response(assistant_json(assistant))


@router.post("/search")
async def search(body: AssistantSearch, services: ServicesOf) -> Response:
    """Find assistants; the newest first unless said otherwise."""
    wanted = services.assistants.wanted(body.graph_id, body.name, body.metadata)
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


@router.post("/count")
async def count(body: AssistantCount, services: ServicesOf) -> Response:
    """Count assistants."""
    wanted = services.assistants.wanted(body.graph_id, body.name, body.metadata)
    return json_response(await services.assistants.count(wanted))


@router.get("/{assistant_id}")
async def get(assistant_id: AssistantIdOf, services: ServicesOf) -> Response:
    """Show an assistant."""
    return json_response(assistant_json(await services.assistants.get(assistant_id)))


@router.patch("/{assistant_id}")
async def patch(
    assistant_id: AssistantIdOf, body: AssistantPatch, services: ServicesOf
) -> Response:
    """Make a new version of an assistant."""
    change = AssistantChange(
        graph_id=body.graph_id,
        name=body.name,
        description=body.description,
        config=_config(body.config),
        context=body.context,
        metadata=body.metadata,
        clears_description="description" in body.model_fields_set,
    )
    return json_response(assistant_json(await services.editor.patch(assistant_id, change)))


@router.delete("/{assistant_id}")
async def delete(
    assistant_id: AssistantIdOf,
    services: ServicesOf,
    delete_threads: Annotated[str | None, Query()] = None,
) -> Response:
    """Remove an assistant with its versions and crons, and if asked for with its threads."""
    if flag(delete_threads):
        await services.editor.require_own(assistant_id)
        await _delete_threads(services, assistant_id)
    await services.editor.delete(assistant_id)
    return Response(status_code=204)


async def _delete_threads(services: Services, assistant_id: str) -> None:
    """Remove the threads first: who asks again after a failure finds the assistant still there."""
    while threads := await services.editor.some_threads(assistant_id, THREADS_AT_ONCE):
        for thread_id in threads:
            try:
                await services.canceller.delete_thread(thread_id)
            except NotFound:  # somebody else was faster
                continue


@router.post("/{assistant_id}/versions")
async def versions(
    assistant_id: AssistantIdOf, body: VersionsSearch, services: ServicesOf
) -> Response:
    """List an assistant's versions, newest first."""
    page = Page(limit=body.limit, offset=body.offset)
    found = await services.assistants.versions(assistant_id, body.metadata or {}, page)
    return json_response([version_json(version) for version in found])


@router.post("/{assistant_id}/latest")
async def set_latest(
    assistant_id: AssistantIdOf, body: LatestVersion, services: ServicesOf
) -> Response:
    """Let an assistant be what it was in a version."""
    assistant = await services.editor.set_latest(assistant_id, body.version)
    return json_response(assistant_json(assistant))


@router.get("/{assistant_id}/graph")
async def graph(
    assistant_id: Annotated[str, Path()],
    services: ServicesOf,
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
    return json_response(await services.drawings.graph(assistant, xray=depth))


@router.get("/{assistant_id}/schemas")
async def schemas(assistant_id: AssistantIdOf, services: ServicesOf) -> Response:
    """Show what an assistant's graph takes and gives."""
    assistant = await services.assistants.get(assistant_id)
    return json_response(await services.drawings.schemas(assistant))


@router.get("/{assistant_id}/subgraphs")
@router.get("/{assistant_id}/subgraphs/{namespace}")
async def subgraphs(
    assistant_id: AssistantIdOf,
    services: ServicesOf,
    namespace: str | None = None,
    recurse: Annotated[str | None, Query()] = None,
) -> Response:
    """Show what the subgraphs of an assistant's graph take and give."""
    assistant = await services.assistants.get(assistant_id)
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
