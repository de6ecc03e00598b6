"""What production refuses, and what is doubtful there. Pure: no file is read.

Staging is told the same as production, as warnings: what would be refused is known before.
"""

import re
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from outrigger_server.configuration.passwords import (
    fault_of_postgres,
    fault_of_redis,
    is_tried_first,
)
from outrigger_server.graphs.manifest import ReadManifest
from outrigger_server.settings import ReadSettings, environment_names, groups

ANY_ORIGIN = "https://anybody.example"
"""Who lets this one in lets in everybody: nobody has such a page."""


def refusals(
    read: ReadSettings, found: ReadManifest, environ: Mapping[str, str], *, serves: bool
) -> Iterator[str]:
    """What production does not start with; what has a fault of its own is left out.

    `serves` is False for a worker, which lets nobody in.
    """
    if serves:
        yield from _open_doors(read, found)
        yield from _open_to_all_pages(read, found)
    yield from _passwords(read, environ)
    yield from _short_times(read)
    manifest = found.manifest
    if manifest is not None and "encryption" in manifest.ignored_keys:
        yield (
            f"{manifest.path}: encryption: this version stores data as it is; encrypt the disk, "
            "and remove the key"
        )


def doubts(read: ReadSettings, found: ReadManifest, *, serves: bool) -> Iterator[str]:
    """What production and staging start with, but warn of."""
    settings = read.settings
    if settings.scale.postgres_uri is None and "postgres_uri" not in read.wrong:
        yield "POSTGRES_URI is not set: all is in one file of this machine, for one process"
    if settings.logs.log_level == "debug":
        yield f"{_name(read, 'log_level')} is debug: logs grow, and tell more than they should"
    manifest = found.manifest
    hooks = manifest is None or "webhooks" not in manifest.http.disabled
    if hooks and settings.webhooks.webhook_secret is None and "webhook_secret" not in read.wrong:
        yield "OUTRIGGER_WEBHOOK_SECRET is not set: who is called cannot tell who calls"
    if not serves:
        return
    if settings.server.lg_api_metrics:
        yield f"{_name(read, 'lg_api_metrics')} is true: anybody may read /metrics of the server"
    auth = settings.auth
    if auth.auth == "jwt" and not (auth.jwt_audience and auth.jwt_issuer):
        yield (
            "OUTRIGGER_JWT_AUDIENCE and OUTRIGGER_JWT_ISSUER: without both, tokens that are meant "
            "for other services are good here, too"
        )
    if manifest is not None and manifest.http.app and manifest.http.custom_routes_are_open:
        yield f"{manifest.path}: http.enable_custom_route_auth is false: your routes are open"


def _open_doors(read: ReadSettings, found: ReadManifest) -> Iterator[str]:
    if found.manifest is None or found.is_wrong("auth") or "auth" in read.wrong:
        return
    if read.settings.auth.auth == "none" and found.manifest.auth is None:
        yield (
            "OUTRIGGER_AUTH is none: everybody may come in; give api_key or jwt, or auth.path in "
            f"{found.manifest.path}"
        )


def _open_to_all_pages(read: ReadSettings, found: ReadManifest) -> Iterator[str]:
    manifest = found.manifest
    if manifest is None or found.is_wrong("http.cors"):
        return
    cors = manifest.http.cors
    pattern = cors.allow_origin_regex
    if pattern is not None and re.compile(pattern).fullmatch(ANY_ORIGIN):
        yield (
            f"{manifest.path}: http.cors.allow_origin_regex fits every web page; "
            "name the hosts that may call"
        )
    if cors.allow_origins is not None:
        if "*" in cors.allow_origins:
            yield f"{manifest.path}: http.cors.allow_origins has *; name the origins that may call"
    elif "*" in read.settings.server.cors_origins and "cors_origins" not in read.wrong:
        yield (
            f"{_name(read, 'cors_origins')} is *: every web page may call; name the origins, "
            "or give none"
        )


def _passwords(read: ReadSettings, environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in _values(read):
        if not isinstance(value, SecretStr):
            continue
        secret = value.get_secret_value()
        if name == "postgres_uri":
            fault = fault_of_postgres(secret, environ)
        elif name == "redis_uri":
            fault = fault_of_redis(secret)
        else:
            fault = "is a default" if is_tried_first(secret) else None
        if fault is not None:
            yield f"{_name(read, name)} {fault}: give one that nobody guesses"


def _short_times(read: ReadSettings) -> Iterator[str]:
    least = {
        name: field.json_schema_extra["production_least"]
        for _, group in groups()
        for name, field in group.model_fields.items()
        if isinstance(field.json_schema_extra, dict)
        and "production_least" in field.json_schema_extra
    }
    for name, value in _values(read):
        lowest = least.get(name)
        if isinstance(lowest, int) and isinstance(value, int | float) and value < lowest:
            yield f"{_name(read, name)} is {value:g}: give {lowest} or more"


def _values(read: ReadSettings) -> Iterator[tuple[str, object]]:
    """Every field with its value, but for those that are wrong."""
    for group_name, group in groups():
        for name in group.model_fields:
            if name not in read.wrong:
                yield name, getattr(getattr(read.settings, group_name), name)


def _name(read: ReadSettings, field: str) -> str:
    """How the giver calls the field; a default goes by its first variable."""
    return read.sources.get(field, environment_names(field)[0])
