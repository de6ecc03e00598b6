"""Assistants: show and search."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from outrigger_server.api.auth.caller import CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import problems
from outrigger_server.api.render import assistant_json, json_response
from outrigger_server.api.services import UUID_FORMAT, ServicesOf
from outrigger_server.api.threads import paging
from outrigger_server.api.wire.assistants import AssistantSearch
from outrigger_server.assistants.directory import AssistantQuery
from outrigger_server.errors import InvalidRequest

router = APIRouter(prefix="/assistants", tags=["Assistants"], route_class=JsonRoute)


async def _assistant_id(assistant_id: Annotated[str, Path(json_schema_extra=UUID_FORMAT)]) -> str:
    try:
        return str(uuid.UUID(assistant_id))
    except ValueError:
        raise InvalidRequest("Invalid assistant ID: must be a UUID") from None


AssistantIdOf = Annotated[str, Depends(_assistant_id)]


@router.post("/search")
async def search(body: AssistantSearch, services: ServicesOf, caller: CallerOf) -> Response:
    """Find assistants."""
    value: dict[str, Any] = {
        "graph_id": body.graph_id,
        "metadata": body.metadata or {},
        "limit": body.limit,
        "offset": body.offset,
    }
    allowed = await caller.authorized("assistants", "search", value)
    query = AssistantQuery(
        graph_id=body.graph_id,
        name=body.name,
        metadata=value["metadata"],
        sort_by=body.sort_by or "created_at",
        descending=body.sort_order != "asc",
        limit=body.limit,
        offset=body.offset,
        allowed=allowed,
    )
    found, total = await services.assistants.search(query)
    shown = [assistant_json(assistant) for assistant in found]
    return json_response(shown, headers=paging(total, body.offset, len(shown)))


@router.get("/{assistant_id}")
async def get(assistant_id: AssistantIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Show an assistant."""
    found = await services.assistants.get(assistant_id)
    await caller.assistant("read", found)
    return json_response(assistant_json(found))


@router.get("/{assistant_id}/schemas", responses=problems(400))
async def schemas(assistant_id: AssistantIdOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Show what an assistant's graph takes and gives."""
    await caller.assistant("read", await services.assistants.get(assistant_id))
    return json_response(await services.assistants.schemas(assistant_id))
