"""PostgreSQL's own tables for savers and store, and holds that end by themselves.

The first migration made the tables in SQLite's shape and indexes without their conditions;
no PostgreSQL has held anything in them yet.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

IN_FLIGHT = "status IN ('pending', 'running')"

SAFE_JSON = """
CREATE FUNCTION outrigger_json(given text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN given::jsonb;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$
"""
"""Text as jsonb; null for what jsonb cannot hold, such as \\u0000 and halves of emojis."""


def upgrade() -> None:
    """Add the end of holds; on PostgreSQL make what the first migration made, anew."""
    op.add_column("threads", sa.Column("held_until", sa.BigInteger(), nullable=True))
    _partial_index("threads_held", "threads", "held_until", where="hold_token IS NOT NULL")
    if op.get_context().dialect.name != "postgresql":
        return
    _give_indexes_conditions()
    for table in ("checkpoints", "writes", "writes_kept", "store"):
        op.drop_table(table)
    _create_checkpoint_tables()
    _create_store()
    op.execute(SAFE_JSON)


def _give_indexes_conditions() -> None:
    op.drop_index("threads_head", "threads")
    _partial_index("threads_head", "threads", "head_at", where="head_at IS NOT NULL")
    for name in ("runs_in_flight", "runs_one_running", "runs_by_live_status"):
        op.drop_index(name, "runs")
    _partial_index("runs_in_flight", "runs", "thread_id", "created_at", "seq", where=IN_FLIGHT)
    _partial_index("runs_by_live_status", "runs", "status", "created_at", where=IN_FLIGHT)
    _partial_index("runs_one_running", "runs", "thread_id", where="status = 'running'", unique=True)


def _partial_index(name: str, table: str, *columns: str, where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name,
        table,
        list(columns),
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _create_checkpoint_tables() -> None:
    place = ("thread_id", "checkpoint_ns", "checkpoint_id")
    op.create_table(
        "checkpoints",
        *_texts(*place),
        sa.Column("parent_checkpoint_id", sa.Text()),
        sa.Column("type", sa.Text()),
        sa.Column("checkpoint", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False, server_default="{}"),
        sa.Column("run_id", sa.Text()),
        sa.Column("attempt", sa.Integer()),
        sa.PrimaryKeyConstraint(*place),
    )
    blob_key = ("thread_id", "checkpoint_ns", "channel", "version")
    op.create_table(
        "checkpoint_blobs",
        *_texts(*blob_key, "type"),
        sa.Column("blob", sa.LargeBinary()),
        sa.Column("run_id", sa.Text()),
        sa.PrimaryKeyConstraint(*blob_key),
    )
    _create_writes("checkpoint_writes", (*place, "task_id", "idx"))
    _create_writes("writes_kept", (*place, "task_id", "idx", "replaced_by"))
    op.create_index("checkpoints_run", "checkpoints", ["run_id"])
    op.create_index("checkpoint_blobs_run", "checkpoint_blobs", ["run_id"])
    op.create_index("writes_run", "checkpoint_writes", ["run_id"])
    op.create_index("writes_kept_replaced_by", "writes_kept", ["replaced_by"])
    for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
        op.create_index(f"{table}_thread_id_idx", table, ["thread_id"])


def _create_writes(name: str, key: tuple[str, ...]) -> None:
    op.create_table(
        name,
        *_texts("thread_id", "checkpoint_ns", "checkpoint_id", "task_id"),
        sa.Column("task_path", sa.Text(), nullable=False, server_default=""),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("type", sa.Text()),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.Column("attempt", sa.Integer()),
        *_texts(*[column for column in key if column == "replaced_by"]),
        sa.PrimaryKeyConstraint(*key),
    )


def _create_store() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    now = sa.text("CURRENT_TIMESTAMP")
    op.create_table(
        "store",
        *_texts("prefix", "key"),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", moment, server_default=now),
        sa.Column("updated_at", moment, server_default=now),
        sa.Column("expires_at", moment),
        sa.Column("ttl_minutes", sa.Integer()),
        sa.PrimaryKeyConstraint("prefix", "key"),
    )
    op.create_index(
        "store_prefix_idx", "store", ["prefix"], postgresql_ops={"prefix": "text_pattern_ops"}
    )
    _partial_index("idx_store_expires_at", "store", "expires_at", where="expires_at IS NOT NULL")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [
        sa.Column(
            name,
            sa.Text(),
            nullable=False,
            server_default="" if name == "checkpoint_ns" else None,
        )
        for name in names
    ]
