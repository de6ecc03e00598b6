"""The ASGI application: the routers, and what is around them, in this order from outside in.

access (id, limits of the body, metrics, log, secure headers) → mount prefix → CORS → the user's
middleware and the gate, with the limits of rate behind it → the user's routes beside the API's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Scope

from outrigger_server.api import (
    assistants,
    crons,
    docs_page,
    runs,
    stateless_runs,
    store,
    system,
    thread_state,
    thread_stream,
    threads,
)
from outrigger_server.api.access import Access
from outrigger_server.api.auth.authenticator import Authenticator
from outrigger_server.api.auth.gate import Gate
from outrigger_server.api.auth.rules import Rules
from outrigger_server.api.custom_app import BesideApi, CustomApp
from outrigger_server.api.document import DocumentedApi
from outrigger_server.api.mount_prefix import MountPrefix
from outrigger_server.api.problems import install_problems
from outrigger_server.api.rates import HEADERS as RATE_HEADERS
from outrigger_server.api.rates import RateGate, limits_of
from outrigger_server.api.services import Services
from outrigger_server.graphs.http_manifest import CorsSpec, HttpSpec
from outrigger_server.graphs.invoke import SERVER_VERSION

EXPOSED = ("x-pagination-total", "x-pagination-next", "content-location")

ROUTERS: tuple[tuple[str, APIRouter], ...] = (
    ("runs", runs.router),
    ("threads", threads.router),
    ("runs", stateless_runs.router),
    ("threads", thread_state.router),
    ("threads", thread_stream.router),
    ("assistants", assistants.router),
    ("runs", crons.router),
    ("store", store.router),
)
"""What `http.disable_…` calls it, and its routes, the busiest first: they are asked in turn."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around the API: who may come in, and what the manifest says about HTTP."""

    http: HttpSpec = field(default_factory=HttpSpec)
    authenticator: Authenticator | None = None
    custom: CustomApp | None = None
    about_auth: Mapping[str, Any] = field(default_factory=dict)
    """What the OpenAPI document is to say about credentials."""


def make_api(services: Services, around: Surroundings) -> FastAPI:
    """The ASGI application over open services."""
    has_meta = "meta" not in around.http.disabled
    app = DocumentedApi(
        guarded=around.authenticator is not None,
        also=around.custom.documented() if around.custom is not None else {},
        about_auth=around.about_auth,
        title="Outrigger",
        version=SERVER_VERSION,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if has_meta else None,
    )
    app.state.services = services
    app.state.http = around.http
    app.state.rules = around.authenticator if isinstance(around.authenticator, Rules) else None
    install_problems(app)
    for noun, router in ROUTERS:
        if noun not in around.http.disabled:
            app.include_router(router)
    app.include_router(system.router)
    if has_meta:
        app.include_router(system.meta_router)
        app.include_router(docs_page.router)
    _add_middleware(app, services, around)
    return app


def _add_middleware(app: FastAPI, services: Services, around: Surroundings) -> None:
    """Put everything around the routers; what is added last is the outermost."""
    http, metrics = around.http, services.metrics
    settings = services.settings.server
    if around.custom is not None:
        app.add_middleware(BesideApi, custom=around.custom, routes=app.router.routes)
    if http.middleware_order == "middleware_first":
        _add_rate_gate(app, services)
        _add_gate(app, services, around)
        _add_custom(app, around)
    else:
        _add_custom(app, around)
        _add_rate_gate(app, services)
        _add_gate(app, services, around)
    exposed = (*EXPOSED, *RATE_HEADERS) if limits_of(services.settings.rates) else EXPOSED
    _add_cors(app, http.cors, settings.cors_origins, exposed)
    if http.mount_prefix:
        app.add_middleware(MountPrefix, prefix=http.mount_prefix)
    app.add_middleware(
        Access,
        metrics=metrics,
        max_body_bytes=settings.max_body_bytes,
        max_body_seconds=settings.max_body_seconds,
        counts_statuses=settings.lg_api_metrics,
        logged_headers=http.logging_headers,
    )


def _add_custom(app: FastAPI, around: Surroundings) -> None:
    for each in reversed(around.custom.middleware if around.custom is not None else []):
        app.add_middleware(each.cls, *each.args, **each.kwargs)


def _add_gate(app: FastAPI, services: Services, around: Surroundings) -> None:
    if around.authenticator is not None:
        app.add_middleware(
            Gate,
            authenticator=around.authenticator,
            metrics=services.metrics,
            routes=lambda: app.router.routes,
            custom=around.custom.takes if around.custom is not None else _is_never,
            custom_is_open=around.http.custom_routes_are_open,
        )


def _add_rate_gate(app: FastAPI, services: Services) -> None:
    if limits := limits_of(services.settings.rates):
        app.add_middleware(
            RateGate,
            limits=limits,
            counters=services.counters,
            clock=services.clock,
            metrics=services.metrics,
        )


def _is_never(_scope: Scope) -> bool:
    return False


def _add_cors(
    app: FastAPI, cors: CorsSpec, origins: tuple[str, ...], exposed: tuple[str, ...]
) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins if cors.allow_origins is None else cors.allow_origins),
        allow_origin_regex=cors.allow_origin_regex,
        allow_methods=list(cors.allow_methods),
        allow_headers=list(cors.allow_headers),
        allow_credentials=cors.allow_credentials,
        expose_headers=[*exposed, *cors.expose_headers],
        max_age=cors.max_age,
    )
