"""/metrics: all families on one page, as Prometheus text or OpenMetrics, compressed if asked."""

import zlib
from asyncio import get_running_loop
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from outrigger_sidecar.collectors.page import Page
from outrigger_sidecar.http.auth import Guard
from outrigger_sidecar.http.exposition import chosen_format

_FAST = 1
_GZIP_WINDOW = 31


def metrics_routes(page: Page, guard: Guard, executor: ThreadPoolExecutor) -> list[Route]:
    """Make the route that Prometheus scrapes; the page is made in `executor`."""

    async def metrics(request: Request) -> Response:
        write, content_type = chosen_format(request.headers.get("accept", ""))
        is_short = accepts_gzip(request.headers.get("accept-encoding", ""))

        def make() -> bytes:
            text = write(page.collect())
            return gzipped(text) if is_short else text

        body = await get_running_loop().run_in_executor(executor, make)
        headers = {"content-type": content_type, "vary": "accept, accept-encoding"}
        if is_short:
            headers["content-encoding"] = "gzip"
        return Response(body, headers=headers)

    return [Route("/metrics", guard.protect(metrics))]


def accepts_gzip(header: str) -> bool:
    """Say whether a reader that sends this `Accept-Encoding` wants gzip."""
    for part in header.split(","):
        coding, _, parameters = part.partition(";")
        if coding.strip().lower() in {"gzip", "*"}:
            quality = parameters.replace(" ", "").removeprefix("q=")
            return not quality or quality.strip("0.") != ""
    return False


def gzipped(text: bytes) -> bytes:
    """Compress quickly rather than well: a page is small, and asked for often."""
    packer = zlib.compressobj(_FAST, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(text) + packer.flush()
