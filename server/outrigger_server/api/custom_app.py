"""The user's own app beside the API: its routes come first, its middleware is around both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from outrigger_server.api.paths import route_path
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.graph_spec import GraphSpec
from outrigger_server.graphs.loader import told
from outrigger_telemetry.logging import get_logger

OWN_PATHS = frozenset({"/ok", "/metrics", "/docs", "/openapi.json"})
"""Always the server's: probes, scrapers and readers of the document rely on them."""


log = get_logger("outrigger.http")


class CustomApp:
    """A Starlette or FastAPI app, served beside the API."""

    def __init__(self, spec: GraphSpec, app: Starlette) -> None:
        self._spec = spec
        self._app = app
        # They go around everything; in the app too, they would see its own requests twice.
        self.middleware: list[Middleware] = list(app.user_middleware)
        app.user_middleware = []
        self._state: Mapping[str, Any] = {}

    @asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Run the app's lifespan around the block.

        Raises:
            ConfigurationError: Its start raised.
        """
        lifespan = self._app.router.lifespan_context(self._app)
        try:
            self._state = await lifespan.__aenter__() or {}
        except Exception as error:  # the user's code may raise anything
            text = f"http.app: starting {self._spec.text} raised {told(error, self._spec)}"
            raise ConfigurationError([text]) from error
        try:
            yield
        finally:
            try:
                await lifespan.__aexit__(None, None, None)
            except Exception:  # the server's own parts must close all the same
                log.exception("app_not_stopped", app=self._spec.text)

    def takes(self, scope: Scope) -> bool:
        """True when the request is for a route of the app."""
        return self._match(scope, Match.FULL) is not None

    def nearly_takes(self, scope: Scope) -> bool:
        """True when a route of the app has the path, but not the method."""
        return self._match(scope, Match.PARTIAL) is not None

    def _match(self, scope: Scope, wanted: Match) -> BaseRoute | None:
        if route_path(scope) in OWN_PATHS:
            return None
        found = (route for route in self._app.router.routes if route.matches(scope)[0] is wanted)
        return next(found, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the app answer."""
        scope.setdefault("state", {}).update(self._state)
        scope["route"] = self._match(scope, Match.FULL) or self._match(scope, Match.PARTIAL)
        await self._app(scope, receive, send)

    def documented(self) -> Mapping[str, Any]:
        """What its own OpenAPI document says; nothing when it makes none."""
        return self._app.openapi() if isinstance(self._app, FastAPI) else {}


class BesideApi:
    """ASGI middleware: a request goes to the user's app or to the API."""

    def __init__(self, app: ASGIApp, *, custom: CustomApp, routes: list[BaseRoute]) -> None:
        self._app = app
        self._custom = custom
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to whose route it is for."""
        if scope["type"] in {"http", "websocket"} and self._is_custom(scope):
            await self._custom(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_custom(self, scope: Scope) -> bool:
        if self._custom.takes(scope):
            return True
        if any(route.matches(scope)[0] is not Match.NONE for route in self._routes):
            return False
        return self._custom.nearly_takes(scope)
