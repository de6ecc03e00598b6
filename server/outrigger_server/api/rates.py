"""Lets a caller ask only so often: each class of requests has its limit, one count each."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outrigger_server.api.paths import route_path
from outrigger_server.api.problems import problem, status_of
from outrigger_server.brokers.base import Counters
from outrigger_server.domain.access import User
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.rate import RouteClass, Standing, Window, window_of
from outrigger_server.errors import RateLimited
from outrigger_server.settings import RateLimit, RateSettings
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics

UNLIMITED = frozenset({"/", "/ok", "/info", "/metrics"})
"""Asked by probes and scrapers, whoever else has the same address."""

HEADERS = ("retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
"""What a page of another origin may read, too."""

IPV6_NETWORK_BITS = 64
"""What one customer gets of a provider: the addresses in it are one caller's."""

_CREATES_RUNS = re.compile(r"(?:/threads/[^/]+)?/runs(?:/wait|/stream|/batch)?")
_HOLDS = re.compile(r".*(?:/wait|/stream|/join)")
_METER = "outrigger_meter"


def limits_of(settings: RateSettings) -> Mapping[RouteClass, RateLimit]:
    """The limits that are set."""
    limits = {
        RouteClass.RUNS: settings.rate_limit_runs,
        RouteClass.HOLDING: settings.rate_limit_holding,
        RouteClass.PLAIN: settings.rate_limit_plain,
    }
    return {each: limit for each, limit in limits.items() if limit is not None}


def class_of(method: str, path: str) -> RouteClass:
    """What a request to that path costs."""
    if method == "POST" and _CREATES_RUNS.fullmatch(path):
        return RouteClass.RUNS
    return RouteClass.HOLDING if _HOLDS.fullmatch(path) else RouteClass.PLAIN


def caller_in(scope: Scope) -> str:
    """Who asks: whom the gate let in, or else whoever has the address.

    A key that nobody has checked says nothing: it may be another one in each request.
    """
    user = scope.get("user")
    if isinstance(user, User):
        return f"user {user.identity}"
    client = scope.get("client")
    return "address " + (_network(client[0]) if client else "")


@lru_cache(maxsize=4096)
def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a socket of this machine, or what a proxy calls its client
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), IPV6_NETWORK_BITS), strict=False))


def standing_headers(standing: Standing) -> dict[str, str]:
    """What a caller is told with every answer; the time in seconds from now."""
    return {
        "ratelimit-limit": str(standing.amount),
        "ratelimit-remaining": str(standing.remaining),
        "ratelimit-reset": str(standing.resets_in),
    }


@dataclass(frozen=True, slots=True)
class _Meter:
    """Counts what one request asks for."""

    counters: Counters
    metrics: Metrics
    route_class: RouteClass
    limit: RateLimit
    window: Window

    async def take(self, amount: int = 1, *, at_once: int = 1) -> Standing:
        """Count so many more of a request that asks for `at_once` things.

        Raises:
            RateLimited: There was no room for them. Those of several are not counted then.
        """
        key, seconds = self.window.key, self.limit.seconds
        count = await self.counters.count(key, amount, seconds)
        standing = Standing(self.limit.amount, count, self.window)
        if not standing.exceeded:
            return standing
        if at_once > 1:
            await self.counters.count(key, -amount, seconds)
            standing = replace(standing, count=count - amount)
        self.metrics.increment(specs.RATE_LIMITED_TOTAL, route_class=self.route_class.value)
        headers = {"retry-after": str(standing.resets_in), **standing_headers(standing)}
        raise RateLimited(self._reason(at_once), headers=headers)

    def _reason(self, at_once: int) -> str:
        setting = f"OUTRIGGER_RATE_LIMIT_{self.route_class.upper()}"
        allowed = f"{self.limit.amount} in {self.limit.seconds} seconds are allowed ({setting})"
        more = f", and this one asks for {at_once} at once" if at_once > 1 else ""
        return f"Too many requests: {allowed}{more}"


@dataclass(frozen=True, slots=True)
class RateGate:
    """ASGI middleware behind the gate: a request goes on, or is answered 429 here."""

    app: ASGIApp
    limits: Mapping[RouteClass, RateLimit]
    counters: Counters
    clock: Clock
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request and tell its caller what is left."""
        meter = self._meter(scope)
        if meter is None:
            await self.app(scope, receive, send)
            return
        try:
            standing = await meter.take()
        except RateLimited as error:
            answer = problem(status_of(error), error.message, error.headers)
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {})[_METER] = meter
        await self.app(scope, receive, _telling(send, standing))

    def _meter(self, scope: Scope) -> _Meter | None:
        if scope["type"] != "http" or (path := route_path(scope)) in UNLIMITED:
            return None
        route_class = class_of(scope["method"], path)
        limit = self.limits.get(route_class)
        if limit is None:
            return None
        window = window_of(route_class, caller_in(scope), limit.seconds, self.clock.now())
        return _Meter(self.counters, self.metrics, route_class, limit, window)


def _telling(send: Send, standing: Standing) -> Send:
    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(standing_headers(standing))
        await send(message)

    return telling


async def take_all(request: Request, count: int) -> None:
    """Count a request that asks for several things as so many, and not as one.

    Raises:
        RateLimited: The caller has not so many left.
    """
    meter: _Meter | None = getattr(request.state, _METER, None)
    if meter is not None and count > 1:
        await meter.take(count - 1, at_once=count)
