"""/metrics: all families on one page, as Prometheus text or OpenMetrics."""

from asyncio import get_running_loop
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client.exposition import choose_encoder

from outrigger_sidecar.collectors.page import Page
from outrigger_sidecar.http.auth import BearerGuard
from outrigger_sidecar.http.health import METHODS


def metrics_routes(page: Page, guard: BearerGuard, executor: ThreadPoolExecutor) -> APIRouter:
    """Make the route that Prometheus scrapes; the page is made in `executor`."""
    router = APIRouter()

    @router.api_route("/metrics", methods=METHODS, dependencies=[Depends(guard)])
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        body: bytes = await get_running_loop().run_in_executor(executor, encode, page)
        return Response(body, headers={"content-type": content_type})

    return router
