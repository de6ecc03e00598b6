"""What a run left in the checkpoint tables, and how it is taken away again.

A run writes its own checkpoints, writes attached to them, and writes attached to the
checkpoint it started from, which may belong to an earlier run: a resume puts its answer
there. When it replaces an earlier run's write, that one is kept as long as the run is.
"""

import sqlite3
from dataclasses import dataclass

from sqlalchemy import Connection

from outrigger_server.domain.run import Run, RunId
from outrigger_server.errors import InvalidRequest
from outrigger_server.stores.dialect import driver_of

_COLUMNS = (
    "thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value, "
    "run_id, attempt"
)


_KEY = ("thread_id", "checkpoint_ns", "checkpoint_id", "task_id", "idx")
_SAME_KEY = " AND ".join(f"{name} = ?" for name in _KEY)


def erase_run(connection: Connection, run_id: RunId) -> None:
    """Remove every checkpoint and write of the run and put back what it replaced."""
    driver = driver_of(connection)
    run = (run_id,)
    driver.execute("DELETE FROM checkpoints WHERE run_id = ?", run)
    driver.execute("DELETE FROM writes WHERE run_id = ?", run)
    _pass_on_replaced(driver, run_id)
    driver.execute(
        f"INSERT OR IGNORE INTO writes ({_COLUMNS}) "  # noqa: S608  our own column names
        f"SELECT {_COLUMNS} FROM writes_kept WHERE replaced_by = ?",
        run,
    )
    driver.execute("DELETE FROM writes_kept WHERE replaced_by = ?", run)


def _pass_on_replaced(driver: sqlite3.Connection, run_id: RunId) -> None:
    """Let a later run that replaced this one's writes stand behind what this one replaced."""
    columns = ", ".join(_KEY)
    replaced = driver.execute(
        f"SELECT replaced_by, {columns} FROM writes_kept WHERE run_id = ?",  # noqa: S608
        (run_id,),
    ).fetchall()
    driver.execute("DELETE FROM writes_kept WHERE run_id = ?", (run_id,))
    for successor, *key in replaced:
        driver.execute(
            f"UPDATE writes_kept SET replaced_by = ? WHERE replaced_by = ? AND {_SAME_KEY}",  # noqa: S608
            (successor, run_id, *key),
        )


def drop_unfinished_step(connection: Connection, run: Run) -> None:
    """Remove what tasks of a cut run wrote for a step that has no checkpoint.

    Questions and answers stay: whoever goes on from here meets them again.
    """
    driver_of(connection).execute(
        "DELETE FROM writes WHERE run_id = ? AND checkpoint_ns = '' "
        "AND channel NOT IN ('__interrupt__', '__resume__') AND checkpoint_id = "
        "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '')",
        (run.run_id, run.thread_id),
    )


def unlink_run(connection: Connection, run_id: RunId) -> None:
    """Tie later checkpoints to the run's base, so that its removal leaves one chain."""
    rows = (
        driver_of(connection)
        .execute(
            "SELECT thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id "
            "FROM checkpoints WHERE run_id = ? ORDER BY checkpoint_id",
            (run_id,),
        )
        .fetchall()
    )
    base: dict[tuple[str, str, str], str | None] = {}
    for thread_id, namespace, checkpoint_id, parent in rows:
        ancestor = base.get((thread_id, namespace, parent), parent)
        base[(thread_id, namespace, checkpoint_id)] = ancestor
    for (thread_id, namespace, checkpoint_id), ancestor in base.items():
        driver_of(connection).execute(
            "UPDATE checkpoints SET parent_checkpoint_id = ? "
            "WHERE thread_id = ? AND checkpoint_ns = ? AND parent_checkpoint_id = ? "
            "AND (run_id IS NULL OR run_id <> ?)",
            (ancestor, thread_id, namespace, checkpoint_id, run_id),
        )


def erase_thread(connection: Connection, thread_id: str) -> None:
    """Remove every checkpoint and write of the thread."""
    for table in ("checkpoints", "writes", "writes_kept"):
        driver_of(connection).execute(
            f"DELETE FROM {table} WHERE thread_id = ?",  # noqa: S608  our own table names
            (thread_id,),
        )


def require_checkpoint(connection: Connection, thread_id: str, checkpoint_id: str | None) -> None:
    """Pass when no checkpoint is asked for, or the thread has it in its own history.

    Raises:
        InvalidRequest: It has not.
    """
    if checkpoint_id is None:
        return
    row = driver_of(connection).execute(
        "SELECT 1 FROM checkpoints "
        "WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?",
        (thread_id, checkpoint_id),
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
    driver = driver_of(connection)
    checkpoint = driver.execute(
        "SELECT 1 FROM checkpoints WHERE run_id = ? AND checkpoint_ns = '' LIMIT 1", (run_id,)
    )
    write = driver.execute(
        "SELECT 1 FROM writes JOIN checkpoints USING (thread_id, checkpoint_ns, checkpoint_id) "
        "WHERE writes.run_id = ? LIMIT 1",
        (run_id,),
    )
    return Footing(checkpoint.fetchone() is not None, write.fetchone() is not None)
