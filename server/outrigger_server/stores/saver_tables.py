"""The tables that langgraph's savers and stores read, as each database's own have them.

`run_id` and `attempt` are ours and say which attempt wrote a row. Only migrations and
checks of the schema need these: the statements are in `checkpoint_tables` and `item_tables`.
"""

import functools
from typing import Any

from sqlalchemy import (
    Column,
    Double,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from outrigger_server.stores.dialect import POSTGRESQL
from outrigger_server.stores.tables import metadata, partial_index


@functools.cache
def tables_of(dialect: str) -> MetaData:
    """Every table of a database."""
    whole = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(whole)
    if dialect == POSTGRESQL:
        _add_postgres_tables(whole)
    else:
        _add_sqlite_tables(whole)
    return whole


_KEY = ("thread_id", "checkpoint_ns", "checkpoint_id")


def _add_sqlite_tables(whole: MetaData) -> None:
    Table(
        "checkpoints",
        whole,
        *_key_columns(String, *_KEY),
        Column("parent_checkpoint_id", String),
        Column("type", String),
        Column("checkpoint", LargeBinary),
        Column("metadata", LargeBinary),
        *_writer_columns(String),
        Index("checkpoints_run", "run_id"),
    )
    for name in ("writes", "writes_kept"):
        Table(name, whole, *_writes_columns(String, Column("value", LargeBinary)))
    _index_writes(whole, "writes")
    Table(
        "store",
        whole,
        Column("prefix", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("value", Text, nullable=False),
        Column("created_at", Text, server_default=text("CURRENT_TIMESTAMP")),
        Column("updated_at", Text, server_default=text("CURRENT_TIMESTAMP")),
        Column("expires_at", Text),
        Column("ttl_minutes", Float),
        Index("store_prefix_idx", "prefix"),
        partial_index("idx_store_expires_at", "expires_at", where="expires_at IS NOT NULL"),
    )


def _add_postgres_tables(whole: MetaData) -> None:
    Table(
        "checkpoints",
        whole,
        *_key_columns(Text, *_KEY),
        Column("parent_checkpoint_id", Text),
        Column("type", Text),
        Column("checkpoint", JSONB, nullable=False),
        Column("metadata", JSONB, nullable=False, server_default="{}"),
        *_writer_columns(Text),
        Index("checkpoints_run", "run_id"),
        Index("checkpoints_thread_id_idx", "thread_id"),
    )
    Table(
        "checkpoint_blobs",
        whole,
        *_key_columns(Text, "thread_id", "checkpoint_ns", "channel", "version"),
        Column("type", Text, nullable=False),
        Column("blob", LargeBinary),
        # The run whose checkpoint needed it first; with that run's last trace it goes.
        Column("run_id", Text),
        Index("checkpoint_blobs_run", "run_id"),
        Index("checkpoint_blobs_thread_id_idx", "thread_id"),
    )
    for name in ("checkpoint_writes", "writes_kept"):
        blob = Column("blob", LargeBinary, nullable=False)
        Table(name, whole, *_writes_columns(Text, blob))
    _index_writes(whole, "checkpoint_writes")
    Index("checkpoint_writes_thread_id_idx", whole.tables["checkpoint_writes"].c.thread_id)
    moment = TIMESTAMP(timezone=True)
    Table(
        "store",
        whole,
        Column("prefix", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("value", JSONB, nullable=False),
        Column("created_at", moment, server_default=text("CURRENT_TIMESTAMP")),
        Column("updated_at", moment, server_default=text("CURRENT_TIMESTAMP")),
        Column("expires_at", moment),
        Column("ttl_minutes", Double),
        Index("store_prefix_idx", "prefix", postgresql_ops={"prefix": "text_pattern_ops"}),
        partial_index("idx_store_expires_at", "expires_at", where="expires_at IS NOT NULL"),
    )


def _key_columns(kind: Any, *names: str) -> list[Column[Any]]:
    return [
        Column(name, kind, primary_key=True, server_default="" if name == "checkpoint_ns" else None)
        for name in names
    ]


def _writer_columns(kind: Any) -> list[Column[Any]]:
    return [Column("run_id", kind), Column("attempt", Integer)]


def _writes_columns(kind: Any, value: Column[Any]) -> list[Column[Any]]:
    return [
        *_key_columns(kind, *_KEY, "task_id"),
        Column("task_path", kind, nullable=False, server_default=""),
        Column("idx", Integer, primary_key=True),
        Column("channel", kind, nullable=False),
        Column("type", kind),
        value,
        *_writer_columns(kind),
    ]


def _index_writes(whole: MetaData, writes: str) -> None:
    Index("writes_run", whole.tables[writes].c.run_id)
    kept = whole.tables["writes_kept"]
    # The run that put another row in this one's place; without that run it comes back.
    kept.append_column(Column("replaced_by", kept.c.thread_id.type, primary_key=True))
    Index("writes_kept_replaced_by", kept.c.replaced_by)
