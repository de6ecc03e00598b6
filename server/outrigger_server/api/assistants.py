"""Assistants: show and search."""

import uuid

from fastapi import APIRouter, Response

from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.render import assistant_json, json_response
from outrigger_server.api.services import ServicesOf
from outrigger_server.api.threads import paging
from outrigger_server.api.wire.assistants import AssistantSearch
from outrigger_server.errors import InvalidRequest

router = APIRouter(prefix="/assistants", tags=["Assistants"], route_class=JsonRoute)


@router.post("/search")
async def search(body: AssistantSearch, services: ServicesOf) -> Response:
    """Find assistants."""
    found, total = await services.assistants.search(
        graph_id=body.graph_id, limit=body.limit, offset=body.offset
    )
    shown = [assistant_json(assistant) for assistant in found]
    return json_response(shown, headers=paging(total, body.offset, len(shown)))


@router.get("/{assistant_id}")
async def get(assistant_id: str, services: ServicesOf) -> Response:
    """Show an assistant."""
    try:
        wanted = str(uuid.UUID(assistant_id))
    except ValueError:
        raise InvalidRequest("Invalid assistant ID: must be a UUID") from None
    return json_response(assistant_json(await services.assistants.get(wanted)))
