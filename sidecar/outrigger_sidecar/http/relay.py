"""/langsmith: what LangSmith's SDK is pointed at. Runs are taken in, the rest is passed on."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping

import httpx
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from outrigger_sidecar.errors import RefusedTrace
from outrigger_sidecar.relay.intake import Route as Way
from outrigger_sidecar.relay.intake import Sent
from outrigger_sidecar.relay.relay import Relay
from outrigger_sidecar.relay.upstream import Upstream

PREFIX = "/langsmith"
INFO = {
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 4,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20 * 1024 * 1024,
    },
    "instance_flags": {"zstd_compression_enabled": True},
}
"""Steers how the SDK batches; the version is the upstream's once it is known."""

OTHER_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# They belong to one connection, or are made anew for the next one.
_NOT_PASSED_ON = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("trailer", "transfer-encoding", "upgrade", "host", "expect"),
    )
)
_CLIENT_CLOSED_REQUEST = 499


def relay_routes(relay: Relay) -> list[Route]:
    """Make the routes of the relay; whoever has its key, where it has one, may use them."""

    async def info(_: Request) -> Response:
        abilities = relay.upstream.abilities
        return JSONResponse({"version": abilities.version if abilities else "", **INFO})

    async def multipart(request: Request) -> Response:
        return await _take(relay, request, "multipart")

    async def batch(request: Request) -> Response:
        return await _take(relay, request, "batch")

    async def post(request: Request) -> Response:
        return await _take(relay, request, "post")

    async def patch(request: Request) -> Response:
        return await _take(relay, request, "patch", request.path_params["run_id"])

    async def other(request: Request) -> Response:
        try:
            return await _pass_on(relay, request, request.path_params["path"])
        except RefusedTrace as error:
            relay.refused(error)
            return _refusal(error)

    return [
        Route(f"{PREFIX}/info", info),
        Route(f"{PREFIX}/runs/multipart", multipart, methods=["POST"]),
        Route(f"{PREFIX}/runs/batch", batch, methods=["POST"]),
        Route(f"{PREFIX}/runs", post, methods=["POST"]),
        Route(f"{PREFIX}/runs/{{run_id}}", patch, methods=["PATCH"]),
        Route(f"{PREFIX}/{{path:path}}", other, methods=OTHER_METHODS),
    ]


async def _take(relay: Relay, request: Request, way: Way, run_id: str | None = None) -> Response:
    try:
        _check_key(relay, request)
        body = await _read_body(relay, request)
    except RefusedTrace as error:
        relay.refused(error)
        return _refusal(error)
    except ClientDisconnect:
        return Response(status_code=_CLIENT_CLOSED_REQUEST)
    kind = request.headers.get("content-type", "")
    encoding = request.headers.get("content-encoding", "")
    try:
        await relay.take(Sent(way, body, kind, encoding, run_id))
    except RefusedTrace as error:
        return _refusal(error)
    finally:
        relay.receive(-len(body))
    return JSONResponse({"message": "taken in"}, 202)


def _check_key(relay: Relay, request: Request) -> None:
    given = request.headers.get("x-api-key", "").encode()
    if relay.key is not None and not secrets.compare_digest(given, relay.key.encode()):
        raise RefusedTrace(401, "wrong_key", "x-api-key is not OUTRIGGER_RELAY_KEY")


async def _read_body(relay: Relay, request: Request) -> bytes:
    """Receive the body; its size is noted with the relay until the caller takes that back."""
    limits = relay.limits
    announced = request.headers.get("content-length", "")
    if announced.isdigit():
        _check_size(int(announced), limits.body)
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for piece in request.stream():
                _check_size(size + len(piece), limits.body)
                relay.receive(len(piece))
                size += len(piece)
                pieces.append(piece)
    except BaseException as error:
        relay.receive(-size)
        if isinstance(error, TimeoutError):
            message = f"the body did not come within {limits.body_seconds:g} s"
            raise RefusedTrace(408, "slow_sender", message) from error
        raise
    return b"".join(pieces)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise RefusedTrace(413, "body_too_large", f"the body is larger than {limit} bytes")


def _refusal(error: RefusedTrace) -> Response:
    headers = {"retry-after": str(error.retry_after)} if error.retry_after else {}
    if error.reason in ("slow_sender", "body_too_large", "busy", "wrong_key"):
        headers["connection"] = "close"  # what else comes of the body is not waited for
    return JSONResponse({"detail": str(error), "code": error.reason}, error.status, headers)


async def _pass_on(relay: Relay, request: Request, path: str) -> Response:
    _check_key(relay, request)
    upstream = relay.upstream
    headers = _passed_headers(relay, upstream, request.headers)
    if not headers.keys() & {"x-api-key", "authorization", "cookie"}:
        raise RefusedTrace(404, "no_upstream", "nothing is asked upstream without a key")
    if any(step in ("..", ".") for step in path.split("/")):
        raise RefusedTrace(400, "malformed", "a path goes down only")
    raw = request.scope["raw_path"].partition(f"{PREFIX}/".encode())[2].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    passed = upstream.client.build_request(
        request.method,
        raw + (f"?{query}" if query else ""),
        headers=headers,
        content=_body(request) if _has_body(request) else None,
    )
    try:
        answer = await upstream.client.send(passed, stream=True)
    except (httpx.HTTPError, ClientDisconnect) as error:
        message = "the relay's upstream does not answer"
        raise RefusedTrace(502, "upstream_unreachable", message) from error
    return StreamingResponse(
        answer.aiter_raw(),
        answer.status_code,
        {name: value for name, value in answer.headers.items() if name not in _NOT_PASSED_ON},
        background=BackgroundTask(answer.aclose),
    )


def _passed_headers(relay: Relay, upstream: Upstream, given: Mapping[str, str]) -> dict[str, str]:
    """A sender that gave our key gets the upstream's for it; others speak for themselves."""
    headers = {name: value for name, value in given.items() if name not in _NOT_PASSED_ON}
    if relay.key is not None:
        headers.update(upstream.key_headers)
    headers.setdefault("accept-encoding", "identity")
    return headers


def _has_body(request: Request) -> bool:
    return "content-length" in request.headers or "transfer-encoding" in request.headers


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        yield piece
