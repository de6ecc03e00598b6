"""Settings in httpx's words."""

from collections.abc import Mapping

import httpx

from outrigger_client.settings import Pool, Timeouts


def limits_of(pool: Pool) -> httpx.Limits:
    """How many connections there are."""
    return httpx.Limits(
        max_connections=pool.connections,
        max_keepalive_connections=pool.idle_connections,
        keepalive_expiry=pool.idle_seconds,
    )


def timeout_of(timeouts: Timeouts) -> httpx.Timeout:
    """How long to wait for what."""
    return httpx.Timeout(
        connect=timeouts.connect_seconds,
        read=timeouts.read_seconds,
        write=timeouts.write_seconds,
        pool=timeouts.pool_seconds,
    )


def headers_of(api_key: str | None, headers: Mapping[str, str] | None) -> dict[str, str]:
    """What is sent with every request."""
    key = {} if api_key is None else {"x-api-key": api_key}
    return {"user-agent": "outrigger-client", **(headers or {}), **key}
