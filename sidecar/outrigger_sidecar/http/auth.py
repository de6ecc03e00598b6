"""The credentials that guard what tells strangers too much, and the count of those refused."""

import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outrigger_telemetry.metric_specs import SIDECAR_REFUSED_TOTAL
from outrigger_telemetry.metrics import Metrics

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request may show: a bearer token, or a user and a password; None: not accepted."""

    token: str | None = None
    user: str | None = None
    password: str | None = None

    def accepted(self) -> list[bytes]:
        """Every value of the header `Authorization` that is right."""
        found = [f"Bearer {self.token}".encode()] if self.token else []
        if self.user and self.password:
            pair = f"{self.user}:{self.password}".encode()
            found.append(b"Basic " + b64encode(pair))
        return found


class Guard:
    """Lets a request pass that carries credentials, or every request when none are set."""

    def __init__(self, credentials: Credentials, metrics: Metrics) -> None:
        self._accepted = credentials.accepted()
        self._metrics = metrics
        schemes = ("Bearer" if credentials.token else "", "Basic" if credentials.user else "")
        self._challenge = ", ".join(f'{each} realm="outrigger-sidecar"' for each in schemes if each)

    def protect(self, endpoint: Endpoint) -> Endpoint:
        """Make an endpoint that answers 401 unless the request carries credentials."""

        async def guarded(request: Request) -> Response:
            if self.admits(request.headers.get("authorization", "")):
                return await endpoint(request)
            self._metrics.increment(SIDECAR_REFUSED_TOTAL, reason="credentials")
            challenge = {"WWW-Authenticate": self._challenge}
            return JSONResponse({"detail": "Unauthorized"}, 401, challenge)

        return guarded

    def admits(self, given: str) -> bool:
        """Say whether this is right; how long that takes tells nothing about what is."""
        if not self._accepted:
            return True
        shown = given.encode()
        fits = [secrets.compare_digest(shown, right) for right in self._accepted]
        return any(fits)  # all were compared, whichever fits
