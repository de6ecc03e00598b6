"""/: what is to be found here."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from outrigger_sidecar.http.health import METHODS

ENDPOINTS = {
    "/metrics": "Prometheus metrics of the server and this sidecar",
    "/health": "every check; 503 when unhealthy; ?verbose=0, ?exclude=disk,cpu",
    "/livez": "this sidecar runs",
    "/readyz": "the server answers and its database can be read",
    "/startupz": "every check has run once",
}


def index_routes() -> APIRouter:
    """Make the route that lists the others."""
    router = APIRouter()

    @router.api_route("/", methods=METHODS)
    async def index() -> Response:
        return JSONResponse({"service": "outrigger-sidecar", "endpoints": ENDPOINTS})

    return router
