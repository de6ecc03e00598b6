"""The OpenAPI document: what FastAPI finds in the routes, made true to what is answered.

A route names the answers of its own with `responses=problems(…)`; what every route may answer
is added here.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import Response
from typing_extensions import override

PROBLEM = {"$ref": "#/components/schemas/Problem"}
WORDS = {
    400: "The request does not fit the graph or its state",
    401: "No credentials, or none that let in",
    403: "The caller may not do this",
    404: "There is no such thing, or it is hidden from the caller",
    409: "The request conflicts with the present state",
    410: "It was there and has been removed since",
    413: "The request body is too large",
    408: "The request body did not arrive in time",
    422: "The request is malformed",
    429: "The caller asks too often; when to ask again is in Retry-After",
    503: "The database cannot be used now; try again later",
}


class Problem(BaseModel):
    """Any answer that is not the one asked for."""

    detail: str


class EventStream(Response):
    """An answer of server-sent events; for the document only."""

    media_type: str | None = "text/event-stream"


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """These answers, as a route's `responses`."""
    return {code: _problem(code) for code in codes}


def _problem(code: int) -> dict[str, Any]:
    # Not by its model: FastAPI would say that it comes in the route's own content type.
    return {
        "description": WORDS[code],
        "content": {"application/json": {"schema": PROBLEM}},
    }


class DocumentedApi(FastAPI):
    """An application whose document says all that it answers."""

    def __init__(
        self, *, guarded: bool, also: Mapping[str, Any], about_auth: Mapping[str, Any], **more: Any
    ) -> None:
        """With `guarded`, credentials are asked for; `also` is the document of the user's app."""
        super().__init__(**more)
        self._guarded = guarded
        self._also = also
        self._about_auth = about_auth

    @override
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            _complete(document, guarded=self._guarded)
            _add(document, self._also)
            _add(document, self._about_auth)
        assert self.openapi_schema is not None  # noqa: S101  the line above made it
        return self.openapi_schema


def _complete(document: dict[str, Any], *, guarded: bool) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.setdefault("Problem", Problem.model_json_schema())
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            for code in _codes(path, operation, guarded=guarded):
                answers[str(code)] = _problem(code)
            if "204" in answers:
                answers["204"].pop("content", None)


def _codes(path: str, operation: Mapping[str, Any], *, guarded: bool) -> list[int]:
    """The answers that follow from what an operation takes."""
    if path in {"/", "/ok", "/info"}:
        return [503]
    codes = [422, 429, 503]
    if "{" in path:
        codes.append(404)
    if "requestBody" in operation:
        codes += [408, 413]
    return [*codes, 401, 403] if guarded else codes


def _add(document: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Put what another document says beside it; what is there already stays."""
    for name, paths in (("paths", more.get("paths")), ("webhooks", more.get("webhooks"))):
        if paths:
            document[name] = {**paths, **document.get(name, {})}
    components = more.get("components") or {
        key: more[key] for key in ("securitySchemes",) if key in more
    }
    for kind, named in components.items():
        own = document.setdefault("components", {}).setdefault(kind, {})
        own |= {name: each for name, each in named.items() if name not in own}
    if "security" in more:
        document.setdefault("security", more["security"])
