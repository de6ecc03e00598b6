"""Callers of a guarded server: each is known by a name, sent as the bearer token."""

from collections.abc import Callable
from typing import Any

import httpx
from langgraph_sdk.client import LangGraphClient

As = Callable[[str], LangGraphClient]
"""The client of whoever is named."""


def bearer(name: str) -> dict[str, str]:
    """The headers of a caller."""
    return {"authorization": f"Bearer {name}"}


async def asked(
    http: httpx.AsyncClient, name: str, method: str, path: str, body: Any = None
) -> httpx.Response:
    """Ask as that caller, beside the SDK."""
    return await http.request(method, path, json=body, headers=bearer(name))
