"""Around every request: its id, the limits of its body, its metrics and its one log line."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars
from uuid_utils.compat import uuid4

from outrigger_server.api.headers import chosen_headers
from outrigger_server.api.problems import problem
from outrigger_server.api.secure_headers import add_secure_headers
from outrigger_server.graphs.http_manifest import Patterns
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metrics import Metrics

MAX_REQUEST_ID = 128
NO_HEADERS = Patterns()
OK = 200
CLIENT_LEFT = 499
"""What nginx calls an answer that nobody waited for; no fault of the server's."""
QUIET_ROUTES = frozenset({"/", "/ok"})
"""Asked every second by probes: logged only when they fail, or at level debug."""

log = get_logger("outrigger.access")


@dataclass
class _Exchange:
    """What is learned about one request while it is answered."""

    started: float
    status: int = 500
    first_byte: float | None = None
    sent: int = 0
    received: int = 0
    arrived: bool = False
    """The whole body is here."""
    begun: bool = False
    complete: bool = False
    left: bool = False


class Access:
    """ASGI middleware; the outermost one."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        max_body_bytes: int,
        max_body_seconds: float,
        counts_statuses: bool = False,
        logged_headers: Patterns = NO_HEADERS,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._max_body_seconds = max_body_seconds
        self._counts_statuses = counts_statuses
        self._logged_headers = logged_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, observed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")[:MAX_REQUEST_ID] or str(uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        exchange = _Exchange(time.perf_counter())
        method = scope["method"]
        self._metrics.add(specs.HTTP_SERVER_ACTIVE_REQUESTS, 1, method=method)
        with bound_contextvars(request_id=request_id):
            try:
                await self._answer(
                    scope, receive, self._noting(scope, send, exchange, request_id), exchange
                )
            finally:
                self._metrics.add(specs.HTTP_SERVER_ACTIVE_REQUESTS, -1, method=method)
                self._record(scope, exchange)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, exchange: _Exchange
    ) -> None:
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdigit() and int(length) > self._max_body_bytes:
            await problem(413, self._too_large)(scope, receive, send)
            return
        try:
            await self._app(scope, self._limited(receive, exchange), send)
        except HTTPException as refusal:  # of a body that was read before the API had it
            if not exchange.begun:
                answer = problem(refusal.status_code, refusal.detail, refusal.headers)
                await answer(scope, receive, send)
        except Exception:  # the edge around one request
            log.exception("request_failed")
            if not exchange.begun:
                await problem(500, "Internal Server Error")(scope, receive, send)

    @property
    def _too_large(self) -> str:
        return (
            f"The request body is larger than the {self._max_body_bytes} bytes this server "
            "accepts (OUTRIGGER_MAX_BODY_BYTES)."
        )

    @property
    def _too_slow(self) -> str:
        return (
            f"The request body has not arrived within the {self._max_body_seconds:g} seconds "
            "that this server waits for it (OUTRIGGER_MAX_BODY_SECONDS)."
        )

    def _limited(self, receive: Receive, exchange: _Exchange) -> Receive:
        end = asyncio.get_running_loop().time() + self._max_body_seconds

        async def in_time() -> Message:
            if exchange.arrived:  # what is waited for now is that the client leaves
                return await receive()
            try:
                async with asyncio.timeout_at(end):
                    return await receive()
            except TimeoutError:
                raise HTTPException(408, self._too_slow, {"connection": "close"}) from None

        async def limited() -> Message:
            message = await in_time()
            exchange.arrived = not message.get("more_body", False)
            exchange.received += len(message.get("body", b""))
            if message["type"] == "http.disconnect" and not exchange.complete:
                exchange.left = True
            if exchange.received > self._max_body_bytes:
                raise HTTPException(413, self._too_large)
            return message

        return limited

    def _noting(self, scope: Scope, send: Send, exchange: _Exchange, request_id: str) -> Send:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.begun = True
                exchange.status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
                add_secure_headers(message, scope)
            else:
                exchange.first_byte = exchange.first_byte or time.perf_counter()
                exchange.sent += len(message.get("body", b""))
                exchange.complete = not message.get("more_body", False)
            await send(message)

        return noting

    def _record(self, scope: Scope, exchange: _Exchange) -> None:
        seconds = time.perf_counter() - exchange.started
        route = _route(scope)
        if exchange.left and not exchange.begun:
            exchange.status = CLIENT_LEFT
        self._metrics.observe(
            specs.HTTP_SERVER_REQUEST_DURATION_SECONDS,
            seconds,
            method=scope["method"],
            route=route,
            status_class=f"{exchange.status // 100}xx",
        )
        if self._counts_statuses:
            self._metrics.increment(
                specs.HTTP_SERVER_REQUESTS_TOTAL,
                method=scope["method"],
                route=route,
                status=str(exchange.status),
            )
        first = exchange.first_byte
        fields: dict[str, Any] = {
            "method": scope["method"],
            "route": route,
            "status": exchange.status,
            "duration_ms": round(seconds * 1000, 1),
            "first_byte_ms": round((first - exchange.started) * 1000, 1) if first else None,
            "bytes": exchange.sent,
        }
        if exchange.left:
            fields["client_left"] = True
        if self._logged_headers.includes:
            fields["headers"] = chosen_headers(Headers(scope=scope), self._logged_headers)
        level = logging.DEBUG if route in QUIET_ROUTES and exchange.status == OK else logging.INFO
        log.log(level, "request", **fields)


def _route(scope: Scope) -> str:
    route = scope.get("route")
    path: str | None = getattr(route, "path", None)
    return path if path is not None else specs.UNMATCHED_ROUTE
