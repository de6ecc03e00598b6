"""Every table, once for all databases. Times are microseconds since the epoch, UTC.

`checkpoints`, `writes` and `store` keep the columns of langgraph's own savers and store,
which read them; `run_id` and `attempt` are ours and say which attempt wrote a row.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
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

SCHEMA_REVISION = "0001"
"""The migration the code is written for; a test compares it with the migrations' head."""

metadata = MetaData()

# SQLite counts only INTEGER PRIMARY KEY up by itself.
_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")

assistants = Table(
    "assistants",
    metadata,
    Column("assistant_id", String, primary_key=True),
    Column("graph_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("description", Text),
    Column("config", JSON, nullable=False),
    Column("context", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

threads = Table(
    "threads",
    metadata,
    Column("thread_id", String, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("state_updated_at", BigInteger, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("config", JSON, nullable=False),
    Column("values", Text),
    Column("interrupts", Text),
    Column("error", JSON(none_as_null=True)),
    Column("rest_status", String, nullable=False),
    # The created_at of the run that a worker may claim next; null when none may be.
    Column("head_at", BigInteger),
    # Set while something other than a run changes the thread's state.
    Column("hold_token", String),
    Index("threads_head", "head_at", sqlite_where=text("head_at IS NOT NULL")),
    Index("threads_updated", "updated_at"),
    Index("threads_created", "created_at"),
)

runs = Table(
    "runs",
    metadata,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("run_id", String, nullable=False, unique=True),
    Column("thread_id", String, nullable=False),
    Column("assistant_id", String, nullable=False),
    Column("graph_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("multitask_strategy", String, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("kwargs", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("attempt", Integer, nullable=False, default=0),
    Column("handed_back", Integer, nullable=False, default=0),
    Column("owner", String),
    Column("lease_until", BigInteger),
    Column("fenced", Boolean, nullable=False, default=False),
    Column("cancel_action", String),
    Column("cancel_requested_at", BigInteger),
    Column("cancel_message", Text),
    Column("superseded_by", String),
    Column("source", String, nullable=False),
    Column("request_id", String),
    # Ends in seq alone, so that SQLite prefers runs_in_flight for what is in flight.
    Index("runs_thread", "thread_id", "seq"),
    Index(
        "runs_in_flight",
        "thread_id",
        "created_at",
        "seq",
        sqlite_where=text("status IN ('pending', 'running')"),
    ),
    Index(
        "runs_one_running",
        "thread_id",
        unique=True,
        sqlite_where=text("status = 'running'"),
    ),
    Index(
        "runs_by_live_status",
        "status",
        "created_at",
        sqlite_where=text("status IN ('pending', 'running')"),
    ),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("thread_id", String, primary_key=True),
    Column("checkpoint_ns", String, primary_key=True, server_default=""),
    Column("checkpoint_id", String, primary_key=True),
    Column("parent_checkpoint_id", String),
    Column("type", String),
    Column("checkpoint", LargeBinary),
    Column("metadata", LargeBinary),
    Column("run_id", String),
    Column("attempt", Integer),
    Index("checkpoints_run", "run_id"),
)


def _writes_columns() -> list[Column[object]]:
    return [
        Column("thread_id", String, primary_key=True),
        Column("checkpoint_ns", String, primary_key=True, server_default=""),
        Column("checkpoint_id", String, primary_key=True),
        Column("task_id", String, primary_key=True),
        Column("task_path", String, nullable=False, server_default=""),
        Column("idx", Integer, primary_key=True),
        Column("channel", String, nullable=False),
        Column("type", String),
        Column("value", LargeBinary),
        Column("run_id", String),
        Column("attempt", Integer),
    ]


writes = Table("writes", metadata, *_writes_columns(), Index("writes_run", "run_id"))

writes_kept = Table(
    "writes_kept",
    metadata,
    *_writes_columns(),
    # The run that put another row in this one's place; without that run it comes back.
    Column("replaced_by", String, primary_key=True),
    Index("writes_kept_replaced_by", "replaced_by"),
)

store = Table(
    "store",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", Text, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", Text, server_default=text("CURRENT_TIMESTAMP")),
    Column("expires_at", Text),
    Column("ttl_minutes", Float),
    Index("store_prefix_idx", "prefix"),
    Index("idx_store_expires_at", "expires_at", sqlite_where=text("expires_at IS NOT NULL")),
)
