"""Rows of checkpoints and of their writes, put into the tables for a writer with a fence."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection

from outrigger_server.stores.checkpoint_tables.base import PackedCheckpoint, WriteRow
from outrigger_server.stores.checkpoint_tables.of import checkpoint_tables
from outrigger_server.stores.dialect import run_sql
from outrigger_server.stores.fence import Fence


@dataclass(frozen=True, slots=True)
class TaskWrites:
    """What a task wrote; with `replace` in place of earlier rows, else they stay."""

    rows: Sequence[WriteRow]
    replace: bool


NewRows = PackedCheckpoint | TaskWrites


def put_rows(connection: Connection, fence: Fence, new: Sequence[NewRows]) -> None:
    """Write checkpoints and tasks' writes as if in order, with few statements.

    The fence was checked before. Neither kind looks at the other, so one goes first.
    """
    tables = checkpoint_tables(connection)
    writer = (fence.run_id, fence.attempt)
    checkpoints = [each for each in new if not isinstance(each, TaskWrites)]
    if checkpoints:
        tables.put(connection, checkpoints, *writer)
    writes = [each for each in new if isinstance(each, TaskWrites)]
    for replace, alike in groupby(writes, key=attrgetter("replace")):
        rows = [row for each in alike for row in each.rows]
        if replace:
            _replace_writes(connection, fence, rows)
        elif rows:
            tables.put_writes(connection, rows, *writer)


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
_PUT = (
    f"INSERT INTO {{writes}} ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
    f"ON CONFLICT ({_UNIQUE}) DO UPDATE SET task_path = excluded.task_path, "
    "channel = excluded.channel, type = excluded.type, {value} = excluded.{value}, "
    "run_id = excluded.run_id, attempt = excluded.attempt"
)


def _replace_writes(connection: Connection, fence: Fence, rows: Sequence[WriteRow]) -> None:
    for row in rows:
        if fence.run_id is not None:
            # An earlier run's write (its interrupt, say) goes aside as long as this run is
            # there: a rollback puts it back.
            kept = (fence.run_id, *row.key, row.index, fence.run_id)
            run_sql(connection, _KEEP, kept)
        run_sql(connection, _PUT, (*row.columns, fence.run_id, fence.attempt))
