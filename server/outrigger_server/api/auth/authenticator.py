"""The role of whatever finds out who asks, and its way to say no."""

from collections.abc import Mapping
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request

from outrigger_server.domain.access import User

UNAUTHORIZED = 401
CHALLENGE = {"www-authenticate": "Bearer"}


class Refused(HTTPException):
    """The request is not served; `reason` is for the metric of refused requests."""

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        status: int = UNAUTHORIZED,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if headers is None and status == UNAUTHORIZED:
            headers = CHALLENGE
        super().__init__(status, detail, headers)
        self.reason = reason


class Authenticator(Protocol):
    """Finds out who sent a request."""

    @property
    def reads_body(self) -> bool:
        """Whether the request must have its whole body."""
        ...

    async def authenticate(self, request: Request) -> User:
        """The one who sent it.

        Raises:
            Refused: Nobody that may come in.
        """
        ...


def bearer(request: Request) -> str | None:
    """What the header `Authorization: Bearer …` holds, or None."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
