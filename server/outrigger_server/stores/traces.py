"""What a run left in the checkpoint tables, and how it is taken away again.

A run writes its own checkpoints, writes attached to them, and writes attached to the
checkpoint it started from, which may belong to an earlier run: a resume puts its answer
there. When it replaces an earlier run's write, that one is kept as long as the run is.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from outrigger_server.domain.run import Run, RunId
from outrigger_server.errors import InvalidRequest
from outrigger_server.stores.checkpoint_rows import COLUMNS
from outrigger_server.stores.checkpoint_tables.of import checkpoint_tables
from outrigger_server.stores.dialect import run_sql

_KEY = ("thread_id", "checkpoint_ns", "checkpoint_id", "task_id", "idx")
_SAME_KEY = " AND ".join(f"{name} = ?" for name in _KEY)


def erase_run(connection: Connection, run_id: RunId) -> None:
    """Remove every checkpoint and write of the run and put back what it replaced."""
    run = (run_id,)
    checkpoint_tables(connection).erase_checkpoints(connection, run_id)
    run_sql(connection, "DELETE FROM {writes} WHERE run_id = ?", run)
    _pass_on_replaced(connection, run_id)
    run_sql(
        connection,
        f"INSERT INTO {{writes}} ({COLUMNS}) "  # noqa: S608  our own column names
        f"SELECT {COLUMNS} FROM writes_kept WHERE replaced_by = ? ON CONFLICT DO NOTHING",
        run,
    )
    run_sql(connection, "DELETE FROM writes_kept WHERE replaced_by = ?", run)


def _pass_on_replaced(connection: Connection, run_id: RunId) -> None:
    """Let a later run that replaced this one's writes stand behind what this one replaced."""
    columns = ", ".join(_KEY)
    replaced = run_sql(
        connection,
        f"SELECT replaced_by, {columns} FROM writes_kept WHERE run_id = ?",  # noqa: S608
        (run_id,),
    ).fetchall()
    run_sql(connection, "DELETE FROM writes_kept WHERE run_id = ?", (run_id,))
    for successor, *key in replaced:
        run_sql(
            connection,
            f"UPDATE writes_kept SET replaced_by = ? WHERE replaced_by = ? AND {_SAME_KEY}",  # noqa: S608
            (successor, run_id, *key),
        )


def drop_unfinished_step(connection: Connection, run: Run) -> None:
    """Remove what tasks of a cut run wrote for a step that has no checkpoint.

    Questions and answers stay: whoever goes on from here meets them again.
    """
    run_sql(
        connection,
        "DELETE FROM {writes} WHERE run_id = ? AND checkpoint_ns = '' "
        "AND channel NOT IN ('__interrupt__', '__resume__') AND checkpoint_id = "
        "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '')",
        (run.run_id, run.thread_id),
    )


def unlink_run(connection: Connection, run_id: RunId) -> None:
    """Tie later checkpoints to the run's base, so that its removal leaves one chain."""
    rows = run_sql(
        connection,
        "SELECT thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id "
        "FROM checkpoints WHERE run_id = ? ORDER BY checkpoint_id",
        (run_id,),
    ).fetchall()
    base: dict[tuple[str, str, str], str | None] = {}
    for thread_id, namespace, checkpoint_id, parent in rows:
        ancestor = base.get((thread_id, namespace, parent), parent)
        base[(thread_id, namespace, checkpoint_id)] = ancestor
    for (thread_id, namespace, checkpoint_id), ancestor in base.items():
        run_sql(
            connection,
            "UPDATE checkpoints SET parent_checkpoint_id = ? "
            "WHERE thread_id = ? AND checkpoint_ns = ? AND parent_checkpoint_id = ? "
            "AND (run_id IS NULL OR run_id <> ?)",
            (ancestor, thread_id, namespace, checkpoint_id, run_id),
        )


def erase_thread(connection: Connection, thread_id: str) -> None:
    """Remove every checkpoint and write of the thread."""
    for table in checkpoint_tables(connection).names:
        statement = f"DELETE FROM {table} WHERE thread_id = ?"  # noqa: S608  our own table names
        run_sql(connection, statement, (thread_id,))


def require_checkpoint(
    connection: Connection, thread_id: str, checkpoint_id: str | None, namespace: str = ""
) -> None:
    """Pass when no checkpoint is asked for, or the thread has it in its own history.

    With a `namespace` the history is that of a subgraph.

    Raises:
        InvalidRequest: It has not.
    """
    if checkpoint_id is None:
        return
    row = run_sql(
        connection,
        "SELECT 1 FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?",
        (thread_id, namespace, checkpoint_id),
    )
    if row.fetchone() is None:
        raise InvalidRequest(f"The thread has no checkpoint {checkpoint_id}")


@dataclass(frozen=True, slots=True)
class Footing:
    """What an earlier attempt of a run left to go on from."""

    has_checkpoint: bool
    """It wrote a checkpoint in the thread's own namespace: that is the head now."""
    has_write: bool
    """It wrote to the checkpoint it started from."""


def footing(connection: Connection, run_id: RunId) -> Footing:
    """Say where the run's next attempt stands."""
    run = (run_id,)
    checkpoint = run_sql(
        connection, "SELECT 1 FROM checkpoints WHERE run_id = ? AND checkpoint_ns = '' LIMIT 1", run
    )
    write = run_sql(
        connection,
        "SELECT 1 FROM {writes} AS w "
        "JOIN checkpoints USING (thread_id, checkpoint_ns, checkpoint_id) "
        "WHERE w.run_id = ? LIMIT 1",
        run,
    )
    return Footing(checkpoint.fetchone() is not None, write.fetchone() is not None)
