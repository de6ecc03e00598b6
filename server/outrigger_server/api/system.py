"""Is the server there, and what is it."""

from fastapi import APIRouter, Response
from sqlalchemy import text

from outrigger_server.api.document import problems
from outrigger_server.api.heads import HeadRoute
from outrigger_server.api.render import json_response
from outrigger_server.api.services import ServicesOf
from outrigger_server.errors import NotFound
from outrigger_server.graphs.invoke import LANGGRAPH_VERSION, SERVER_VERSION

router = APIRouter(tags=["System"], route_class=HeadRoute)
meta_router = APIRouter(tags=["System"], route_class=HeadRoute)

METRICS_TYPE = "text/plain; version=1.0.0; charset=utf-8"


@router.get("/")
@router.get("/ok")
async def ok(services: ServicesOf) -> Response:
    """Answer when the server is up and its database can be read."""
    await services.database.read(lambda connection: connection.execute(text("SELECT 1")).scalar())
    return json_response({"ok": True, "services": {}})


@router.get("/metrics", responses=problems(404))
async def metrics(services: ServicesOf, format: str = "prometheus") -> Response:  # noqa: A002  the query's name
    """Count what dashboards of other LangGraph servers ask for, if that is wanted here."""
    if not services.settings.server.lg_api_metrics:
        raise NotFound
    if format == "json":
        return json_response(await services.lg_page.json())
    return Response(await services.lg_page.text(), media_type=METRICS_TYPE)


@meta_router.get("/info")
async def info() -> Response:
    """Say which server this is and what it can do."""
    return json_response(
        {
            "version": SERVER_VERSION,
            "langgraph_py_version": LANGGRAPH_VERSION,
            "flags": {"assistants": True, "crons": True, "langsmith": False},
            "host": {
                "kind": "self-hosted",
                "project_id": None,
                "host_revision_id": None,
                "revision_id": None,
                "tenant_id": None,
            },
        }
    )
