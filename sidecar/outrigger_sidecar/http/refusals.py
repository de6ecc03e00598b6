"""What is said to a request for something that is not there, or not that way."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outrigger_telemetry.metric_specs import SIDECAR_REFUSED_TOTAL
from outrigger_telemetry.metrics import Metrics


def make_refusals(metrics: Metrics) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Make the answer to an `HTTPException`: its detail as JSON."""

    async def refuse(request: Request, error: Exception) -> Response:
        del request
        code = int(getattr(error, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR))
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            metrics.increment(SIDECAR_REFUSED_TOTAL, reason="method")
        detail = getattr(error, "detail", HTTPStatus(code).phrase)
        return JSONResponse({"detail": detail}, code, getattr(error, "headers", None))

    return refuse
