"""Rows of checkpoints and of their writes, put into the tables behind a fence.

Rows keep the format of langgraph's SQLite saver.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.runnables import RunnableConfig
from sqlalchemy import Connection

from outrigger_server.stores.dialect import driver_of
from outrigger_server.stores.fence import Fence


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint as its table holds it."""

    thread_id: str
    namespace: str
    checkpoint_id: str
    parent_id: str | None
    kind: str
    blob: bytes
    metadata: bytes

    @property
    def size(self) -> int:
        """The bytes it takes on the disk, as far as they vary."""
        return len(self.blob) + len(self.metadata)

    @property
    def config(self) -> RunnableConfig:
        """Where the checkpoint is, in langgraph's words."""
        return {
            "configurable": {
                "thread_id": self.thread_id,
                "checkpoint_ns": self.namespace,
                "checkpoint_id": self.checkpoint_id,
            }
        }


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One write of a task as its table holds it."""

    key: tuple[str, str, str, str]
    task_path: str
    index: int
    channel: str
    kind: str
    blob: bytes


def put_checkpoint_row(fence: Fence, row: CheckpointRow, connection: Connection) -> None:
    """Write a checkpoint, in place of one with the same id.

    Raises:
        FencedWrite: The writer may not write any more.
    """
    fence.check(connection)
    driver_of(connection).execute(
        "INSERT OR REPLACE INTO checkpoints "  # noqa: S608  our own text
        "(thread_id, checkpoint_ns, checkpoint_id, "
        "parent_checkpoint_id, type, checkpoint, metadata, run_id, attempt) "
        f"VALUES (?, ?, ?, {_PARENT}, ?, ?, ?, ?, ?)",
        (
            row.thread_id,
            row.namespace,
            row.checkpoint_id,
            *_parent_parameters(row),
            row.kind,
            row.blob,
            row.metadata,
            fence.run_id,
            fence.attempt,
        ),
    )


# The parent it had, or, when that run was deleted meanwhile, the newest one left before it.
_PARENT = (
    "CASE WHEN ? IS NULL THEN NULL ELSE coalesce("
    "(SELECT checkpoint_id FROM checkpoints "
    "WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?), "
    "(SELECT max(checkpoint_id) FROM checkpoints "
    "WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id < ?)) END"
)


def _parent_parameters(row: CheckpointRow) -> tuple[str | None, ...]:
    place = (row.thread_id, row.namespace)
    return (row.parent_id, *place, row.parent_id, *place, row.checkpoint_id)


_KEY = "thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ? AND task_id = ? AND idx = ?"
_KEPT = (
    "thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value, "
    "run_id, attempt"
)


def put_write_rows(
    fence: Fence,
    rows: Sequence[WriteRow],
    connection: Connection,
    *,
    replace: bool,
) -> None:
    """Write what a task wrote; with `replace` in place of earlier rows, else they stay.

    Raises:
        FencedWrite: The writer may not write any more.
    """
    fence.check(connection)
    driver = driver_of(connection)
    verb = "REPLACE" if replace else "IGNORE"
    for row in rows:
        if replace and fence.run_id is not None:
            # An earlier run's write (its interrupt, say) goes aside as long as this run is
            # there: a rollback puts it back.
            driver.execute(
                f"INSERT OR IGNORE INTO writes_kept ({_KEPT}, replaced_by) "  # noqa: S608
                f"SELECT {_KEPT}, ? FROM writes WHERE {_KEY} "
                "AND (run_id IS NULL OR run_id <> ?)",
                (fence.run_id, *row.key, row.index, fence.run_id),
            )
        driver.execute(
            f"INSERT OR {verb} INTO writes ({_KEPT}) "  # noqa: S608  our own column names
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *row.key,
                row.task_path,
                row.index,
                row.channel,
                row.kind,
                row.blob,
                fence.run_id,
                fence.attempt,
            ),
        )
