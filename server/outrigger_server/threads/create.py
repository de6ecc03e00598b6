"""Makes a thread for an idempotency key: once, however often the request is sent."""

from typing import Any

from sqlalchemy import Connection

from outrigger_server.domain.idempotency import IdempotencyKey
from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import Thread
from outrigger_server.errors import Gone
from outrigger_server.stores.idempotency_keys import claim_key
from outrigger_server.stores.threads import create_thread, find_thread

THREAD_GONE = (
    "Idempotency-Key: the thread that this key created was deleted; nothing was created now. "
    "Send a new key to create another one."
)


def create_thread_once(
    connection: Connection,
    key: IdempotencyKey,
    thread_id: ThreadId,
    metadata: dict[str, Any],
    now: int,
) -> Thread:
    """Add an idle thread, or find the one that the key has added before, as it is now.

    Raises:
        AlreadyExists: There is one with this id, which another request added.
        Gone: The thread that the key added is not there any more.
        InvalidRequest: The key came with another body before.
    """
    known = claim_key(connection, key, thread_id, now)
    if known is None:
        return create_thread(connection, thread_id, metadata, now)
    thread = find_thread(connection, ThreadId(known))
    if thread is None:
        raise Gone(THREAD_GONE)
    return thread
