"""The user's own `langgraph_sdk.Auth`: finds out who asks, and decides what they may do."""

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any, cast

import orjson
from langgraph_sdk import Auth
from starlette.exceptions import HTTPException
from starlette.requests import Request

from outrigger_server.api.auth.authenticator import Refused
from outrigger_server.domain.access import EVERYTHING, Filter, User, to_filter
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.encoding import encode
from outrigger_telemetry.logging import get_logger

FORBIDDEN = 403
BROKEN = 500
_PARAMETERS = frozenset(
    {
        *("request", "body", "path", "method", "path_params", "query_params", "headers"),
        *("authorization", "scopes"),
    }
)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)

log = get_logger("outrigger.auth")


class Rules:
    """What an `Auth` object says, asked as its documentation promises."""

    def __init__(self, place: str, auth: Auth) -> None:
        """Check the handlers; `place` is what messages call the object by.

        Raises:
            ConfigurationError: There is no authenticate handler, or it asks for what is not there.
        """
        handler = auth._authenticate_handler  # noqa: SLF001  the SDK's interface for servers
        if handler is None:
            raise ConfigurationError(
                [f"auth.path: {place} has no @authenticate handler, so nobody could come in"]
            )
        self._authenticate: Any = handler
        self._wanted = _wanted(place, handler)
        self._auth = auth
        self.reads_body = bool(self._wanted & {"request", "body"})

    # -- who -------------------------------------------------------------------

    async def authenticate(self, request: Request) -> User:
        """The one who sent the request, as the handler says."""
        given = {name: await _parameter(name, request) for name in self._wanted}
        try:
            if inspect.iscoroutinefunction(self._authenticate):
                found = await self._authenticate(**given)
            else:
                found = await asyncio.to_thread(self._authenticate, **given)
                found = await found if inspect.isawaitable(found) else found
            user = to_user(found)
        except (Auth.exceptions.HTTPException, HTTPException) as error:
            reason = "missing" if "authorization" not in request.headers else "invalid"
            raise _refusal(reason, error) from error
        except Exception as error:  # the user's code may raise anything
            log.exception("authentication_failed")
            raise Refused("failed", "The authentication failed", status=BROKEN) from error
        if not user["is_authenticated"]:
            raise Refused("invalid", "Unauthorized")
        return user

    # -- what ------------------------------------------------------------------

    async def authorized(
        self, user: User, resource: str, action: str, value: dict[str, Any]
    ) -> Filter:
        """Ask the most specific handler; it may change `value` in place.

        Raises:
            Refused: The handler says no.
        """
        handler = self._handler(resource, action)
        if handler is None:
            return EVERYTHING
        context = Auth.types.AuthContext(
            permissions=user.permissions,
            user=cast("Any", user),
            resource=cast("Any", resource),
            action=cast("Any", action),
        )
        try:
            result = await handler(ctx=context, value=value)
            if result is None or result is True:
                return EVERYTHING
            if isinstance(result, Mapping):
                return to_filter(result)
            if result is not False:
                msg = f"a handler returned {type(result).__name__}: not a filter, bool or None"
                raise TypeError(msg)  # noqa: TRY301  told like what the handler itself raises
        except (Auth.exceptions.HTTPException, HTTPException) as error:
            raise _refusal("denied", error) from error
        except AssertionError as error:  # the documented short way to say no
            raise Refused("denied", str(error) or "Forbidden", status=FORBIDDEN) from error
        except Exception as error:
            log.exception("authorization_failed", resource=resource, action=action)
            raise Refused("failed", "The authorization failed", status=BROKEN) from error
        raise Refused("denied", "Forbidden", status=FORBIDDEN)

    def _handler(self, resource: str, action: str) -> Any:
        handlers = self._auth._handlers  # noqa: SLF001  the SDK's interface for servers
        for key in ((resource, action), (resource, "*"), ("*", action)):
            if handlers.get(key):
                return handlers[key][-1]
        everywhere = self._auth._global_handlers  # noqa: SLF001  the same
        return everywhere[-1] if everywhere else None


def to_user(found: Any) -> User:
    """The user that an authenticate handler returned, as JSON can hold it.

    Raises:
        TypeError: It has no identity.
    """
    if isinstance(found, str):
        known: dict[str, Any] = {"identity": found}
    elif isinstance(found, Mapping):
        known = dict(found)
    else:
        known = _attributes(found)
    known = orjson.loads(encode(known))
    identity = known.pop("identity", None)
    if not isinstance(identity, str) or not identity:
        msg = f"the authenticate handler returned {type(found).__name__} without an identity"
        raise TypeError(msg)
    return User(identity, **known)


def _attributes(found: Any) -> dict[str, Any]:
    dumped = found.model_dump() if hasattr(found, "model_dump") else getattr(found, "__dict__", {})
    known = {name: value for name, value in dumped.items() if not name.startswith("_")}
    for name in ("identity", "display_name", "is_authenticated", "permissions"):
        if hasattr(found, name):
            known[name] = getattr(found, name)
    return known


def _refusal(reason: str, error: Auth.exceptions.HTTPException | HTTPException) -> Refused:
    return Refused(reason, error.detail, status=error.status_code, headers=error.headers)


def _wanted(place: str, handler: Any) -> frozenset[str]:
    parameters = inspect.signature(handler).parameters.values()
    known = {p.name for p in parameters if p.name in _PARAMETERS and p.kind in _NAMED}
    strange = [
        p.name
        for p in parameters
        if p.name not in known
        and p.default is p.empty
        and p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}
    ]
    if strange:
        has = ", ".join(sorted(_PARAMETERS))
        raise ConfigurationError(
            [f"auth.path: {place}: @authenticate asks for {', '.join(strange)}; it can have {has}"]
        )
    return frozenset(known)


async def _parameter(name: str, request: Request) -> Any:
    match name:
        case "request":
            return request
        case "body":
            return _json_or_none(await request.body())
        case "path":
            return request.scope["path"]
        case "method":
            return request.method
        case "path_params":
            return dict(request.path_params)
        case "query_params":
            return dict(request.query_params)
        case "headers":
            return dict(request.headers.raw)
        case "authorization":
            return request.headers.get("authorization")
        case _:
            return []  # scopes: no route of ours asks for any


def _json_or_none(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None  # the endpoint says so
