"""Takes the past of threads away and leaves them where they stand."""

from sqlalchemy import Connection, select

from outrigger_server.domain.run import ThreadId
from outrigger_server.stores.checkpoint_tables.of import checkpoint_tables
from outrigger_server.stores.dialect import run_sql
from outrigger_server.stores.locks import lock_thread
from outrigger_server.stores.runs import in_flight
from outrigger_server.stores.tables import threads

_SPREAD = '"counters_since_delta_snapshot"'
"""LangGraph's mark in the metadata of a head whose values are spread over earlier checkpoints."""


def is_at_rest(connection: Connection, thread_id: ThreadId) -> bool:
    """True when there is such a thread, no run is in flight on it and nobody holds it.

    The thread is locked: it stays so up to the end of the transaction.
    """
    lock_thread(connection, thread_id)
    held = select(threads.c.hold_token).where(threads.c.thread_id == thread_id)
    row = connection.execute(held).first()
    return row is not None and row[0] is None and not in_flight(connection, thread_id)


def keep_latest(connection: Connection, thread_id: ThreadId) -> bool:
    """Remove every checkpoint but those that the next run may need; say whether that was done.

    Left are the head, and the newest checkpoint of each subgraph that remembers from run to
    run or stands in the head's unfinished step. A thread that is not at rest stays as it is,
    and so does one whose newest values are spread over earlier checkpoints.
    """
    if not is_at_rest(connection, thread_id):
        return False
    newest = _newest(connection, thread_id)
    head = newest.get("")
    if head is None:
        return True
    if _SPREAD in _metadata(connection, thread_id, head):
        return False
    kept = [(space, each) for space, each in newest.items() if _is_needed(space, each, head)]
    tables = checkpoint_tables(connection)
    marks = ", ".join("(?, ?)" for _ in kept)
    values = [part for place in kept for part in place]
    for table in ("checkpoints", "{writes}", "writes_kept"):
        run_sql(
            connection,
            f"DELETE FROM {table} WHERE thread_id = ? "  # noqa: S608  our own table names
            f"AND (checkpoint_ns, checkpoint_id) NOT IN (VALUES {marks})",
            (thread_id, *values),
        )
    run_sql(
        connection,
        "UPDATE checkpoints SET parent_checkpoint_id = NULL WHERE thread_id = ?",
        (thread_id,),
    )
    tables.erase_unneeded(connection, thread_id)
    return True


def _newest(connection: Connection, thread_id: ThreadId) -> dict[str, str]:
    rows = run_sql(
        connection,
        "SELECT checkpoint_ns, max(checkpoint_id) FROM checkpoints WHERE thread_id = ? "
        "GROUP BY checkpoint_ns",
        (thread_id,),
    )
    return {str(space): str(newest) for space, newest in rows.fetchall()}


def _metadata(connection: Connection, thread_id: ThreadId, checkpoint_id: str) -> str:
    row = run_sql(
        connection,
        "SELECT CAST(metadata AS TEXT) FROM checkpoints "
        "WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?",
        (thread_id, checkpoint_id),
    ).fetchone()
    return row[0] if row is not None and row[0] is not None else ""


def _is_needed(namespace: str, newest: str, head: str) -> bool:
    """A namespace with a colon names one task: over, unless it wrote after the head."""
    return ":" not in namespace or newest > head
