"""The `Idempotency-Key` header: a request sent again creates nothing again."""

import hashlib

import orjson
from fastapi import Request

from outrigger_server.api.auth.caller import user_of
from outrigger_server.domain.idempotency import LONGEST_KEY, IdempotencyKey, is_key
from outrigger_server.errors import InvalidRequest

HEADER = "idempotency-key"


async def idempotency_key(request: Request, **path: str) -> IdempotencyKey | None:
    """The request's key, or None when it has none; `path` are the parameters of its path.

    Raises:
        InvalidRequest: The header holds no key, or there are several.
    """
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not is_key(given[0]):
        raise InvalidRequest(
            f"Idempotency-Key: give one key of 1 to {LONGEST_KEY} printable ASCII characters"
        )
    route: str = request.scope["route"].path
    # Two callers with the same key mean two things.
    user = user_of(request)
    owner = "" if user is None else f" for {user.identity}"
    return IdempotencyKey(
        scope=f"{request.method} {route.format_map(path)}{owner}",
        key=given[0],
        body_sha256=_digest(await request.json()),
    )


def _digest(body: object) -> str:
    spelled = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(spelled).hexdigest()
