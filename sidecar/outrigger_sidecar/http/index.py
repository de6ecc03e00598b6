"""/: what is to be found here."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ENDPOINTS = {
    "/metrics": "Prometheus metrics of the server and this sidecar",
    "/health": "every check; 503 when unhealthy; ?verbose=0, ?exclude=disk,cpu",
    "/livez": "this sidecar runs",
    "/readyz": "the server answers, its database can be read and has the schema it needs",
    "/startupz": "every check has run once",
}


def index_routes() -> list[Route]:
    """Make the route that lists the others."""

    async def index(request: Request) -> Response:
        del request
        return JSONResponse({"service": "outrigger-sidecar", "endpoints": ENDPOINTS})

    return [Route("/", index)]
