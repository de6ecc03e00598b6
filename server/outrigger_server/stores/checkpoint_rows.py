"""Rows of checkpoints and of their writes, put into the tables for a writer with a fence."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from outrigger_server.stores.checkpoint_tables.base import PackedCheckpoint
from outrigger_server.stores.dialect import run_sql
from outrigger_server.stores.fence import Fence


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One write of a task as its table holds it."""

    key: tuple[str, str, str, str]
    task_path: str
    index: int
    channel: str
    kind: str
    blob: bytes


def put_checkpoint_row(fence: Fence, row: PackedCheckpoint, connection: Connection) -> None:
    """Write a checkpoint, in place of one with the same id; the fence was checked before."""
    row.insert(connection, fence.run_id, fence.attempt)


_UNIQUE = "thread_id, checkpoint_ns, checkpoint_id, task_id, idx"
_KEY = "thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ? AND task_id = ? AND idx = ?"
COLUMNS = (
    "thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, {value}, "
    "run_id, attempt"
)
_KEEP = (
    f"INSERT INTO writes_kept ({COLUMNS}, replaced_by) "  # noqa: S608  our own column names
    f"SELECT {COLUMNS}, CAST(? AS TEXT) FROM {{writes}} WHERE {_KEY} "
    "AND (run_id IS NULL OR run_id <> ?) ON CONFLICT DO NOTHING"
)
_INSERT = f"INSERT INTO {{writes}} ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
_OR_LEAVE = _INSERT + "ON CONFLICT DO NOTHING"
_OR_REPLACE = (
    _INSERT + f"ON CONFLICT ({_UNIQUE}) DO UPDATE SET task_path = excluded.task_path, "
    "channel = excluded.channel, type = excluded.type, {value} = excluded.{value}, "
    "run_id = excluded.run_id, attempt = excluded.attempt"
)


def put_write_rows(
    fence: Fence,
    rows: Sequence[WriteRow],
    connection: Connection,
    *,
    replace: bool,
) -> None:
    """Write what a task wrote; with `replace` in place of earlier rows, else they stay.

    The fence was checked before.
    """
    insert = _OR_REPLACE if replace else _OR_LEAVE
    for row in rows:
        if replace and fence.run_id is not None:
            # An earlier run's write (its interrupt, say) goes aside as long as this run is
            # there: a rollback puts it back.
            kept = (fence.run_id, *row.key, row.index, fence.run_id)
            run_sql(connection, _KEEP, kept)
        written = (row.task_path, row.index, row.channel, row.kind, row.blob)
        run_sql(connection, insert, (*row.key, *written, fence.run_id, fence.attempt))
