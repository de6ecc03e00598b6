"""Lets nobody in whom the server's authenticator does not know."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.authentication import AuthCredentials
from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outrigger_server.api.auth.authenticator import Authenticator, Refused
from outrigger_server.api.paths import route_path
from outrigger_server.api.problems import problem
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics

OPEN_PATHS = frozenset({"/", "/ok", "/info", "/metrics", "/docs", "/openapi.json"})
"""Answered to everybody: they tell nothing about anybody."""

POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class Gate:
    """ASGI middleware: a request goes on with `scope["user"]`, or is answered here.

    `custom` says whether a route of the user's own app takes the request; those are asked for
    credentials too, unless `custom_is_open`.
    """

    app: ASGIApp
    authenticator: Authenticator
    metrics: Metrics
    routes: Callable[[], Sequence[BaseRoute]]
    custom: Callable[[Scope], bool]
    custom_is_open: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer it."""
        if scope["type"] not in {"http", "websocket"} or self._is_open(scope):
            await self.app(scope, receive, send)
            return
        try:
            receive = await self._identify(scope, receive)
        except Refused as refusal:
            self.metrics.increment(specs.AUTH_FAILURES_TOTAL, reason=refusal.reason)
            await _refuse(refusal, scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        if self.custom(scope):
            return self.custom_is_open
        return route_path(scope) in OPEN_PATHS

    async def _identify(self, scope: Scope, receive: Receive) -> Receive:
        """Put the caller into the scope; the body, if it was read, can be read again."""
        body = b""
        asked = {**scope, "path_params": self._path_params(scope)}
        if scope["type"] == "websocket":
            asked |= {"type": "http", "method": "GET"}
        elif self.authenticator.reads_body:
            body = await Request(asked, receive).body()
            receive = _replayed(body, receive)
        user = await self.authenticator.authenticate(Request(asked, _replayed(body, receive)))
        scope["user"] = user
        scope["auth"] = AuthCredentials(user.permissions)
        return receive

    def _path_params(self, scope: Scope) -> dict[str, Any]:
        for route in self.routes():
            match, child = route.matches(scope)
            if match is Match.FULL:
                params: dict[str, Any] = child.get("path_params", {})
                return params
        return {}


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _refuse(refusal: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.detail})
        return
    answer = problem(refusal.status_code, refusal.detail, refusal.headers)
    await answer(scope, receive, send)
