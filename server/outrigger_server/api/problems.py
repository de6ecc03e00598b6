"""The only place that turns errors into HTTP answers: `{"detail": text}` and a code."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from outrigger_server import errors
from outrigger_server.api.render import json_response
from outrigger_server.graphs.encoding import encode
from outrigger_telemetry.logging import get_logger

STATUS: Mapping[type[errors.OutriggerError], int] = {
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.Conflict: 409,
    errors.InvalidRequest: 422,
    errors.BadState: 400,
    errors.NotAllowed: 403,
    errors.RateLimited: 429,
    errors.GraphFailed: 400,
    errors.FencedWrite: 409,
    errors.WritesLost: 503,
    errors.Unavailable: 503,
    errors.OutriggerError: 500,
}
"""The code of an error is that of the nearest class above it."""

log = get_logger("outrigger.http")


def status_of(error: errors.OutriggerError) -> int:
    """The HTTP code for an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def install_problems(app: FastAPI) -> None:
    """Answer every error in the API's one shape."""
    app.add_exception_handler(errors.OutriggerError, _outrigger_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


async def _outrigger_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.OutriggerError)  # noqa: S101  what the handler is for
    headers: Mapping[str, str] = {}
    if isinstance(error, errors.RateLimited):
        headers = error.headers
    if isinstance(error, errors.Unavailable):
        headers = {"retry-after": str(error.retry_after)}
        log.error("request_not_served", code=error.code, reason=str(error.__cause__ or error))
    return problem(status_of(error), error.message, headers)


async def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  what the handler is for
    return problem(422, describe(error.errors()))


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  what the handler is for
    return problem(error.status_code, str(error.detail), error.headers)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error answer."""
    return json_response({"detail": detail}, status=status, headers=headers)


def describe(faults: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with a request, a line for each field."""
    return "\n".join(dict.fromkeys(_fault_line(fault) for fault in faults))


def _fault_line(fault: Mapping[str, Any]) -> str:
    place = [str(part) for part in fault["loc"] if part != "body"]
    if fault["type"] == "json_invalid" or (not place and fault["type"] == "missing"):
        return "Invalid JSON in request body"
    if not place and fault["type"] in {"value_error", "too_short", "too_long"}:
        return str(fault["msg"]).removeprefix("Value error, ")
    if not place:
        kind = "array" if fault["type"] == "list_type" else "object"
        return f'{encode(fault.get("input")).decode():.100} is not of type "{kind}"'
    name = ".".join(place)
    if fault["type"] == "missing":
        return f"{name}: this field is required"
    text = str(fault["msg"]).removeprefix("Value error, ")
    given = fault.get("input")
    shown = f" (given: {given!r:.100})" if isinstance(given, (str, int, float, bool)) else ""
    return f"{name}: {text[:1].lower()}{text[1:]}{shown}"
