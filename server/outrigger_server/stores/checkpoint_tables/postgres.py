"""Checkpoints in PostgreSQL: a row each, and a row for each version of a channel's value.

As langgraph's PostgreSQL saver reads them. Values that a checkpoint shares with the one
before it are stored once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from sqlalchemy import Connection

from outrigger_server.stores.checkpoint_tables.base import (
    Amount,
    NewCheckpoint,
    Place,
    StoredAmounts,
    WriteRow,
    chains,
)
from outrigger_server.stores.dialect import driver_of
from outrigger_server.stores.json_text import json_text

INLINE_CHARACTERS = 200
"""Longer texts are worth a row of their own, which is written once."""

INLINE_NUMBER = 2**53
"""Larger numbers do not survive every reader of JSON."""


@dataclass(frozen=True, slots=True)
class Blob:
    """One version of one channel's value."""

    channel: str
    version: str
    kind: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class PostgresRow:
    """See `PackedCheckpoint`."""

    place: Place
    checkpoint: str
    metadata: str
    blobs: tuple[Blob, ...]

    @property
    def size(self) -> int:
        """See `PackedCheckpoint.size`."""
        blobs = sum(len(blob.value or b"") for blob in self.blobs)
        return len(self.checkpoint) + len(self.metadata) + blobs

    def columns(self, *, follows: bool) -> tuple[Any, ...]:
        """What `_ROW` names."""
        place = self.place
        within = (place.thread_id, place.namespace, place.checkpoint_id, place.parent_id)
        return (*within, follows, self.checkpoint, self.metadata)

    def blob_columns(self) -> list[tuple[Any, ...]]:
        """What `_BLOB_ROW` names, for each of them."""
        within = (self.place.thread_id, self.place.namespace)
        return [(*within, blob.channel, blob.version, blob.kind, blob.value) for blob in self.blobs]


# The parent it had, or, when that run was deleted meanwhile, the newest one left before it.
# One whose parent is written with it `follows`: its parent is not in the table yet.
# Arrays are sent in binary (`b`): as text each value would be searched for what to escape.
_PUT = """
WITH blobs AS (
    INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob, run_id)
    SELECT given.*, %(run)s::text
    FROM unnest(%(blob_threads)b::text[], %(blob_spaces)b::text[], %(channels)b::text[],
        %(versions)b::text[], %(kinds)b::text[], %(values)b::bytea[]) AS given
    ON CONFLICT DO NOTHING
)
INSERT INTO checkpoints
    (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata,
     run_id, attempt)
SELECT given.thread, given.space, given.id,
    CASE WHEN given.parent IS NULL OR given.follows THEN given.parent ELSE coalesce(
        (SELECT checkpoint_id FROM checkpoints WHERE thread_id = given.thread
         AND checkpoint_ns = given.space AND checkpoint_id = given.parent),
        (SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = given.thread
         AND checkpoint_ns = given.space AND checkpoint_id < given.id)) END,
    given.checkpoint::jsonb, given.metadata::jsonb, %(run)s::text, %(attempt)s::integer
FROM unnest(%(threads)b::text[], %(spaces)b::text[], %(ids)b::text[], %(parents)b::text[],
    %(follow)b::boolean[], %(checkpoints)b::text[], %(metadata)b::text[])
    AS given (thread, space, id, parent, follows, checkpoint, metadata)
ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id) DO UPDATE SET
    parent_checkpoint_id = excluded.parent_checkpoint_id, checkpoint = excluded.checkpoint,
    metadata = excluded.metadata, run_id = excluded.run_id, attempt = excluded.attempt
"""
_PUT_WRITES = """
INSERT INTO checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx,
    channel, type, blob, run_id, attempt)
SELECT given.*, %(run)s::text, %(attempt)s::integer
FROM unnest(%(threads)b::text[], %(spaces)b::text[], %(ids)b::text[], %(tasks)b::text[],
    %(paths)b::text[], %(indexes)b::integer[], %(channels)b::text[], %(kinds)b::text[],
    %(values)b::bytea[]) AS given
ON CONFLICT DO NOTHING
"""


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """The rows turned by a quarter: the values of each column in a list."""
    return {name: [row[number] for row in rows] for number, name in enumerate(names)}


_ROW = ("threads", "spaces", "ids", "parents", "follow", "checkpoints", "metadata")
_BLOB_ROW = ("blob_threads", "blob_spaces", "channels", "versions", "kinds", "values")
_WRITE_ROW = (
    *("threads", "spaces", "ids", "tasks", "paths", "indexes"),
    *("channels", "kinds", "values"),
)

_FIRST = """
SELECT thread_id, checkpoint_ns, min(checkpoint_id) FROM checkpoints WHERE run_id = %s
GROUP BY thread_id, checkpoint_ns
"""
# Only later checkpoints can need a value that the run's own were the first to need.
_NEEDED = """
FROM checkpoints c WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns
AND c.checkpoint_id > %(first)s AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version
"""
_OWN = "b.run_id = %(run)s AND b.thread_id = %(thread)s AND b.checkpoint_ns = %(space)s"
_DELETE_BLOBS = f"DELETE FROM checkpoint_blobs b WHERE {_OWN} AND NOT EXISTS (SELECT 1 {_NEEDED})"  # noqa: S608
_PASS_BLOBS_ON = (
    "UPDATE checkpoint_blobs b SET run_id = "  # noqa: S608  our own text
    f"(SELECT c.run_id {_NEEDED} ORDER BY c.checkpoint_id LIMIT 1) WHERE {_OWN}"
)


class PostgresCheckpoints:
    """See `CheckpointTables`."""

    names = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "writes_kept")

    def pack(self, serde: Any, new: NewCheckpoint) -> PostgresRow:
        """See `CheckpointTables.pack`."""
        inline: dict[str, Any] = {}
        blobs: list[Blob] = []
        for channel, value in new.checkpoint["channel_values"].items():
            if _fits_into_json(value):
                inline[channel] = value
                continue
            if isinstance(value, _DeltaSnapshot):
                inline[channel] = True  # langgraph's mark for it
            if channel in new.new_versions:
                version = str(new.new_versions[channel])
                blobs.append(Blob(channel, version, *serde.dumps_typed(value)))
        metadata = orjson.dumps(new.full_metadata, default=str, option=orjson.OPT_NON_STR_KEYS)
        return PostgresRow(
            place=new.place,
            checkpoint=json_text({**new.checkpoint, "channel_values": inline}),
            metadata=_without_nul(metadata.decode()),
            blobs=tuple(blobs),
        )

    def put(
        self,
        connection: Connection,
        packed: Sequence[PostgresRow],
        run_id: str | None,
        attempt: int | None,
    ) -> None:
        """See `CheckpointTables.put`."""
        driver: Any = driver_of(connection)
        for chain in chains(packed):
            rows = [row.columns(follows=follows) for row, follows in chain]
            blobs = [blob for row, _ in chain for blob in row.blob_columns()]
            given = {**_columns(_ROW, rows), **_columns(_BLOB_ROW, blobs)}
            driver.execute(_PUT, {**given, "run": run_id, "attempt": attempt})

    def put_writes(
        self,
        connection: Connection,
        rows: Sequence[WriteRow],
        run_id: str | None,
        attempt: int | None,
    ) -> None:
        """See `CheckpointTables.put_writes`."""
        driver: Any = driver_of(connection)
        given = _columns(_WRITE_ROW, [row.columns for row in rows])
        driver.execute(_PUT_WRITES, {**given, "run": run_id, "attempt": attempt})

    def reader(self, connection: Connection, serde: Any) -> BaseCheckpointSaver[str]:
        """See `CheckpointTables.reader`."""
        driver: Any = driver_of(connection)
        return PostgresSaver(driver, serde=serde)

    def erase_checkpoints(self, connection: Connection, run_id: str) -> None:
        """See `CheckpointTables.erase_checkpoints`."""
        driver: Any = driver_of(connection)
        places = driver.execute(_FIRST, (run_id,)).fetchall()
        driver.execute("DELETE FROM checkpoints WHERE run_id = %s", (run_id,))
        for thread_id, namespace, first in places:
            place = {"run": run_id, "thread": thread_id, "space": namespace, "first": first}
            driver.execute(_DELETE_BLOBS, place)
            driver.execute(_PASS_BLOBS_ON, place)

    def erase_unneeded(self, connection: Connection, thread_id: str) -> None:
        """See `CheckpointTables.erase_unneeded`."""
        driver_of(connection).execute(_DELETE_UNNEEDED_BLOBS, (thread_id,))

    def copy_thread(self, connection: Connection, source: str, copy: str) -> None:
        """See `CheckpointTables.copy_thread`."""
        driver = driver_of(connection)
        driver.execute(_COPY_CHECKPOINTS, (copy, copy, source))
        driver.execute(_COPY_BLOBS, (copy, source))
        driver.execute(_COPY_WRITES, (copy, source))

    def amounts(self, connection: Connection, thread_id: str) -> StoredAmounts:
        """See `CheckpointTables.amounts`."""
        driver = driver_of(connection)
        checkpoints = driver.execute(_CHECKPOINTS_SIZE, (thread_id,)).fetchone()
        channels = driver.execute(_BLOBS_SIZE, (thread_id,)).fetchall()
        writes = driver.execute(_WRITES_SIZE, (thread_id, thread_id)).fetchone()
        return StoredAmounts(
            Amount(*checkpoints or (0, 0)),
            {channel: Amount(count, size) for channel, count, size in channels},
            Amount(*writes or (0, 0)),
        )


_DELETE_UNNEEDED_BLOBS = """
DELETE FROM checkpoint_blobs b WHERE b.thread_id = %s AND NOT EXISTS (
    SELECT 1 FROM checkpoints c
    WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns
    AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version)
"""
_COPY_CHECKPOINTS = """
INSERT INTO checkpoints
    (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
SELECT %s, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint,
    jsonb_set(metadata, '{thread_id}', to_jsonb(%s::text), false)
FROM checkpoints WHERE thread_id = %s
"""
_COPY_BLOBS = """
INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
SELECT %s, checkpoint_ns, channel, version, type, blob FROM checkpoint_blobs WHERE thread_id = %s
"""
_COPY_WRITES = """
INSERT INTO checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx,
    channel, type, blob)
SELECT %s, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob
FROM checkpoint_writes WHERE thread_id = %s
"""
_CHECKPOINTS_SIZE = """
SELECT count(*), coalesce(sum(pg_column_size(checkpoint) + pg_column_size(metadata)), 0)::bigint
FROM checkpoints WHERE thread_id = %s
"""
_BLOBS_SIZE = """
SELECT channel, count(*), coalesce(sum(pg_column_size(blob)), 0)::bigint
FROM checkpoint_blobs WHERE thread_id = %s GROUP BY channel ORDER BY channel
"""
_WRITES_SIZE = """
SELECT count(*), coalesce(sum(size), 0)::bigint FROM (
    SELECT pg_column_size(blob) AS size FROM checkpoint_writes WHERE thread_id = %s
    UNION ALL SELECT pg_column_size(blob) FROM writes_kept WHERE thread_id = %s) AS each_write
"""


def _fits_into_json(value: Any) -> bool:
    """True for what comes back from jsonb exactly as it was, and is small."""
    kind = type(value)
    if kind is str:
        short = len(value) <= INLINE_CHARACTERS
        return short and "\0" not in value and not _SURROGATE.search(value)
    if kind is int:
        return bool(abs(value) < INLINE_NUMBER)
    return value is None or kind is bool


_SURROGATE = re.compile("[\ud800-\udfff]")
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def _without_nul(text: str) -> str:
    """JSON text that jsonb takes: it refuses the one character that ends texts in C."""
    return _NUL.sub(r"\1\\ufffd", text) if r"\u0000" in text else text
