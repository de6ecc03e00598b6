"""Reads JSON bodies: strict where it matters, forgiving where clients break strings."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.types import Scope
from typing_extensions import override

from outrigger_server.api.heads import HeadRoute

MAX_DEPTH = 100
"""Levels of nesting: far beyond any sensible body, well below what breaks a serializer."""


class JsonRequest(Request):
    """A request whose JSON is read by orjson.

    A lone surrogate (half an emoji, as clients that cut strings send it) becomes U+FFFD
    instead of a refusal; NaN and Infinity are not JSON and are refused.
    """

    @override
    async def json(self) -> Any:
        body = await self.body()
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _too_deep(body):
            # Anything but an HTTPException would become FastAPI's own vague answer.
            raise HTTPException(422, f"The request body is nested deeper than {MAX_DEPTH} levels")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            if rb"\ud" not in body.lower():
                raise
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise json.JSONDecodeError(error.reason, "", error.start) from error
        return _mended(json.loads(text, parse_constant=_refuse, parse_int=orjson.loads))


class JsonRoute(HeadRoute):
    """A route that gets such requests."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            return await handle(JsonRequest(_as_json(request.scope), request.receive))

        return handler


def _as_json(scope: Scope) -> Scope:
    """The request as one whose body is JSON: no other kind is taken here, however it is called."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
    return {**scope, "headers": [*headers, (b"content-type", b"application/json")]}


def _refuse(constant: str) -> None:
    raise json.JSONDecodeError(f"{constant} is not JSON", constant, 0)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(each) for each in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(each) for key, each in value.items()}
    return value


def _too_deep(body: bytes) -> bool:
    """True when brackets outside strings nest deeper than the limit."""
    depth = 0
    inside = escaped = False
    for byte in body:
        if escaped:
            escaped = False
        elif inside:
            escaped = byte == ord("\\")
            inside = byte != ord('"')
        elif byte == ord('"'):
            inside = True
        elif byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif byte in b"]}":
            depth -= 1
    return False
