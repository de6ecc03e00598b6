"""Idempotency keys: which run or thread a client's key has created, until it is forgotten.

A key is claimed in the transaction that creates, so it is stored exactly when that is. Of two
transactions that claim one key the second waits for the first, in one process and in several.
"""

from sqlalchemy import Connection, bindparam, delete, select, tuple_

from outrigger_server.domain.idempotency import KEPT_MICROSECONDS, IdempotencyKey
from outrigger_server.errors import InvalidRequest
from outrigger_server.stores.dialect import insert_or_replace
from outrigger_server.stores.tables import idempotency_keys as keys

OTHER_BODY = (
    "Idempotency-Key: this key was sent with another body to this path within the last 24 hours. "
    "Repeat that request as it was, or send a new key."
)

_THIS = (keys.c.scope == bindparam("scope"), keys.c.key == bindparam("key"))
_KNOWN = select(keys.c.body_sha256, keys.c.created_id).where(*_THIS)
_RELEASE = delete(keys).where(*_THIS)


def claim_key(connection: Connection, key: IdempotencyKey, new_id: str, now: int) -> str | None:
    """Bind the key to `new_id`, which is about to be created; or say what it created already.

    Raises:
        InvalidRequest: The key came with another body before.
    """
    row = {
        "scope": key.scope,
        "key": key.key,
        "body_sha256": key.body_sha256,
        "created_id": new_id,
        "expires_at": now + KEPT_MICROSECONDS,
    }
    claim = insert_or_replace(connection, keys, when=keys.c.expires_at <= now)
    if connection.execute(claim.returning(keys.c.key), row).first() is not None:
        return None
    known = connection.execute(_KNOWN, {"scope": key.scope, "key": key.key}).one()
    if known.body_sha256 != key.body_sha256:
        raise InvalidRequest(OTHER_BODY)
    return str(known.created_id)


def release_key(connection: Connection, key: IdempotencyKey) -> None:
    """Forget a key that was claimed in this transaction: nothing was created after all."""
    connection.execute(_RELEASE, {"scope": key.scope, "key": key.key})


_EXPIRED = (
    select(keys.c.scope, keys.c.key)
    .where(keys.c.expires_at <= bindparam("now"))
    .order_by(keys.c.expires_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_FORGET = delete(keys).where(tuple_(keys.c.scope, keys.c.key).in_(_EXPIRED))


def forget_keys(connection: Connection, now: int, limit: int) -> int:
    """Remove up to `limit` keys whose time is over, the oldest first; return how many."""
    return connection.execute(_FORGET, {"now": now, "most": limit}).rowcount
