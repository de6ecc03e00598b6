"""The bearer token that guards what tells strangers too much."""

import secrets

from fastapi import HTTPException, Request
from pydantic import SecretStr


class BearerGuard:
    """Lets a request pass when it carries the token, or when no token is set."""

    def __init__(self, token: SecretStr | None) -> None:
        self._expected = f"Bearer {token.get_secret_value()}".encode() if token else None

    async def __call__(self, request: Request) -> None:
        """Answer 401 unless the request carries the token."""
        given = request.headers.get("authorization", "").encode()
        if self._expected is not None and not secrets.compare_digest(given, self._expected):
            raise HTTPException(401, "Unauthorized", {"WWW-Authenticate": "Bearer"})
