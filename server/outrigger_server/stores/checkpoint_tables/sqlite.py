"""Checkpoints in SQLite: one row each, as langgraph's SQLite saver reads them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from sqlalchemy import Connection

from outrigger_server.stores.checkpoint_tables.base import (
    Amount,
    NewCheckpoint,
    Place,
    StoredAmounts,
    WriteRow,
)
from outrigger_server.stores.dialect import driver_of, run_sql


@dataclass(frozen=True, slots=True)
class SqliteRow:
    """See `PackedCheckpoint`."""

    place: Place
    kind: str
    blob: bytes
    metadata: bytes

    @property
    def size(self) -> int:
        """See `PackedCheckpoint.size`."""
        return len(self.blob) + len(self.metadata)

    def parameters(self) -> tuple[Any, ...]:
        """Of `_INSERT`, but for the writer's."""
        place = self.place
        within = (place.thread_id, place.namespace)
        lookups = (place.parent_id, *within, place.parent_id, *within, place.checkpoint_id)
        return (*within, place.checkpoint_id, *lookups, self.kind, self.blob, self.metadata)


# The parent it had, or, when that run was deleted meanwhile, the newest one left before it.
_PARENT = (
    "CASE WHEN ? IS NULL THEN NULL ELSE coalesce("
    "(SELECT checkpoint_id FROM checkpoints "
    "WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?), "
    "(SELECT max(checkpoint_id) FROM checkpoints "
    "WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id < ?)) END"
)
_INSERT = (
    "INSERT OR REPLACE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, "  # noqa: S608  our own text
    "parent_checkpoint_id, type, checkpoint, metadata, run_id, attempt) "
    f"VALUES (?, ?, ?, {_PARENT}, ?, ?, ?, ?, ?)"
)


_INSERT_WRITE = """
INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel,
    type, value, run_id, attempt)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""


def _cursor(connection: Connection) -> sqlite3.Cursor:
    driver: Any = connection.connection.driver_connection
    return cast("sqlite3.Connection", driver).cursor()


class SqliteCheckpoints:
    """See `CheckpointTables`."""

    names = ("checkpoints", "writes", "writes_kept")

    def pack(self, serde: Any, new: NewCheckpoint) -> SqliteRow:
        """See `CheckpointTables.pack`."""
        kind, blob = serde.dumps_typed(new.checkpoint)
        metadata = orjson.dumps(new.full_metadata, default=str, option=orjson.OPT_NON_STR_KEYS)
        return SqliteRow(new.place, kind, blob, metadata)

    def put(
        self,
        connection: Connection,
        packed: Sequence[SqliteRow],
        run_id: str | None,
        attempt: int | None,
    ) -> None:
        """See `CheckpointTables.put`."""
        rows = [(*row.parameters(), run_id, attempt) for row in packed]
        _cursor(connection).executemany(_INSERT, rows)

    def put_writes(
        self,
        connection: Connection,
        rows: Sequence[WriteRow],
        run_id: str | None,
        attempt: int | None,
    ) -> None:
        """See `CheckpointTables.put_writes`."""
        given = [(*row.columns, run_id, attempt) for row in rows]
        _cursor(connection).executemany(_INSERT_WRITE, given)

    def reader(self, connection: Connection, serde: Any) -> BaseCheckpointSaver[str]:
        """See `CheckpointTables.reader`."""
        driver: Any = driver_of(connection)
        saver = SqliteSaver(driver, serde=serde)
        saver.is_setup = True  # the migrations made its tables
        return cast("BaseCheckpointSaver[str]", saver)

    def erase_checkpoints(self, connection: Connection, run_id: str) -> None:
        """See `CheckpointTables.erase_checkpoints`."""
        run_sql(connection, "DELETE FROM checkpoints WHERE run_id = ?", (run_id,))

    def erase_unneeded(self, connection: Connection, thread_id: str) -> None:
        """See `CheckpointTables.erase_unneeded`. Nothing: a checkpoint holds all it needs."""

    def copy_thread(self, connection: Connection, source: str, copy: str) -> None:
        """See `CheckpointTables.copy_thread`."""
        run_sql(connection, _COPY_CHECKPOINTS, (copy, copy, source))
        run_sql(connection, _COPY_WRITES, (copy, source))

    def amounts(self, connection: Connection, thread_id: str) -> StoredAmounts:
        """See `CheckpointTables.amounts`."""
        checkpoints = run_sql(connection, _CHECKPOINTS_SIZE, (thread_id,)).fetchone()
        writes = run_sql(connection, _WRITES_SIZE, (thread_id, thread_id)).fetchone()
        return StoredAmounts(Amount(*checkpoints or (0, 0)), {}, Amount(*writes or (0, 0)))


_COPY_CHECKPOINTS = """
INSERT INTO checkpoints
    (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
SELECT ?, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint,
    CAST(json_replace(CAST(metadata AS TEXT), '$.thread_id', ?) AS BLOB)
FROM checkpoints WHERE thread_id = ?
"""
_COPY_WRITES = """
INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel,
    type, value)
SELECT ?, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value
FROM writes WHERE thread_id = ?
"""
_CHECKPOINTS_SIZE = """
SELECT count(*), coalesce(sum(length(checkpoint) + coalesce(length(metadata), 0)), 0)
FROM checkpoints WHERE thread_id = ?
"""
_WRITES_SIZE = """
SELECT count(*), coalesce(sum(size), 0) FROM (
    SELECT length(value) AS size FROM writes WHERE thread_id = ?
    UNION ALL SELECT length(value) FROM writes_kept WHERE thread_id = ?)
"""
