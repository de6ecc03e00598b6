"""Finds out from the settings and the manifest what is around the API."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from outrigger_server.api.application import Surroundings
from outrigger_server.api.auth.api_keys import ApiKeyAuthenticator, parse_keys
from outrigger_server.api.auth.authenticator import Authenticator
from outrigger_server.api.auth.rules import Rules
from outrigger_server.api.auth.watched_file import WatchedFile
from outrigger_server.api.custom_app import CustomApp
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.manifest import Manifest
from outrigger_server.graphs.user_app import load_app, load_auth
from outrigger_server.settings import AuthSettings
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics


@asynccontextmanager
async def open_surroundings(
    manifest: Manifest, settings: AuthSettings, metrics: Metrics
) -> AsyncIterator[Surroundings]:
    """Load the user's `Auth` and app, read the keys, and run the app's lifespan meanwhile.

    Raises:
        ConfigurationError: Something of that is wrong, or two things say who may come in.
    """
    broken = partial(metrics.increment, specs.AUTH_FILES_BROKEN_TOTAL)
    authenticator = _authenticator(manifest, settings, broken)
    spec = manifest.http.app
    async with AsyncExitStack() as stack:
        custom = None if spec is None else CustomApp(spec, load_app(spec))
        if custom is not None:
            await stack.enter_async_context(custom.started())
        yield Surroundings(manifest.http, authenticator, custom, _about(manifest, settings))


def faults_around(manifest: Manifest, settings: AuthSettings) -> list[str]:
    """What would keep the surroundings from being opened; the app's lifespan does not run."""
    faults: list[str] = []
    app = manifest.http.app
    steps: list[Callable[[], object]] = [lambda: _authenticator(manifest, settings, _nothing)]
    if app is not None:
        steps.append(lambda: load_app(app))
    for step in steps:
        try:
            step()
        except ConfigurationError as error:
            faults += error.faults
    return faults


def _nothing() -> None:
    """Nobody counts the files of a look."""


def _about(manifest: Manifest, settings: AuthSettings) -> Mapping[str, Any]:
    if manifest.auth is not None:
        return manifest.auth.openapi
    schemes: dict[str, dict[str, Any]] = {
        "none": {},
        "api_key": {"apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        "jwt": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    }
    found = schemes[settings.auth]
    return {"securitySchemes": found, "security": [{n: []} for n in found]} if found else {}


def _authenticator(
    manifest: Manifest, settings: AuthSettings, broken: Callable[[], None]
) -> Authenticator | None:
    if manifest.auth is not None:
        if settings.auth != "none":
            both = f"OUTRIGGER_AUTH is {settings.auth!r} and {manifest.path} has auth.path"
            raise ConfigurationError([f"{both}: each says who may come in; remove one"])
        path = manifest.auth.path
        return Rules(path.text, load_auth(path))
    if settings.auth == "api_key":
        if settings.api_keys_file is None:
            raise ConfigurationError(["OUTRIGGER_API_KEYS_FILE: api_key needs it; set it"])
        keys = WatchedFile("OUTRIGGER_API_KEYS_FILE", settings.api_keys_file, parse_keys, broken)
        return ApiKeyAuthenticator(keys)
    if settings.auth == "jwt":
        from outrigger_server.api.auth.tokens import token_authenticator  # only who uses it

        return token_authenticator(settings, broken)
    return None
