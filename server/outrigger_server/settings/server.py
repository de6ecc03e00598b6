"""Settings of the HTTP side and the process."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from outrigger_server.settings.group import Host, SettingsGroup, UserPath

NOBODY = "none"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+")


def _split_list(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = tuple(part.strip() for part in value.split(",") if part.strip())
    if parts == (NOBODY,):
        return ()
    return parts or value


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if not all(origin == "*" or _ORIGIN.fullmatch(origin.lower()) for origin in origins):
        msg = "an origin is a scheme and a host without a path, such as https://app.example.org"
        raise ValueError(msg)
    return origins


def _check_proxies(proxies: tuple[str, ...]) -> tuple[str, ...]:
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            if proxy != "*":
                msg = "give addresses or networks such as 127.0.0.1,10.0.0.0/8, or * for all"
                raise ValueError(msg) from None
    return proxies


Proxies = Annotated[tuple[str, ...], BeforeValidator(_split_list), AfterValidator(_check_proxies)]
Origins = Annotated[
    tuple[str, ...],
    BeforeValidator(_split_list),
    AfterValidator(_check_origins),
]


class ServerSettings(SettingsGroup):
    """The HTTP side and the process."""

    host: Host = Field(
        default="127.0.0.1",
        description="Address the server listens on; 0.0.0.0 for every interface.",
    )
    port: int = Field(default=8123, ge=0, le=65535, description="Port; 0 picks a free one.")
    config: UserPath = Field(
        default=Path("langgraph.json"),
        description="The langgraph.json that names the graphs to serve.",
    )
    max_body_bytes: int = Field(
        default=20 * 1024 * 1024,
        ge=1024,
        le=1024**3,
        description="Largest request body accepted (20 MiB); a larger one is answered 413.",
    )
    max_body_seconds: float = Field(
        default=60.0,
        ge=0.1,
        le=3600,
        description="Time a client has to send a request's body; then 408.",
    )
    trusted_proxies: Proxies = Field(
        default=(),
        description="Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, with "
        "commas between: addresses, networks, or * for all.",
        json_schema_extra={"shown_default": "none"},
    )
    cors_origins: Origins = Field(
        default=("*",),
        description=(
            "Origins whose web pages may call the server, with commas between; * for all, "
            "none for none."
        ),
    )
    heartbeat_seconds: float = Field(
        default=5.0,
        ge=0.1,
        le=300,
        description="Time between the heartbeats of a waiting stream or reply.",
    )
    lg_api_metrics: bool = Field(
        default=False,
        description="Serve `/metrics` with the `lg_api_` names of other servers' dashboards.",
    )
    no_worker: bool = Field(
        default=False,
        description="Serve the API only; runs wait for the next start with a worker.",
    )
    shutdown_grace_seconds: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        description="Time a stopping server gives its runs before handing them back.",
    )
