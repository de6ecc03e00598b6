"""Every table, once for all databases. Times are microseconds since the epoch, UTC.

The tables that langgraph's savers and stores read differ by database: see `saver_tables`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

# SQLite counts only INTEGER PRIMARY KEY up by itself.
_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows that meet a condition, on every database."""
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


IN_FLIGHT = "status IN ('pending', 'running')"

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
    Index("assistants_created", "created_at"),
)

assistant_versions = Table(
    "assistant_versions",
    metadata,
    Column("assistant_id", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("graph_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("description", Text),
    Column("config", JSON, nullable=False),
    Column("context", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
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
    # When a hold ends by itself, should its process be gone.
    Column("held_until", BigInteger),
    Column("ttl_minutes", Double),
    Column("ttl_strategy", String),
    # When the time is over; null without one.
    Column("expires_at", BigInteger),
    partial_index("threads_expiry", "expires_at", where="expires_at IS NOT NULL"),
    # Set when the thread was made for a run without one, and goes when that has ended.
    Column("temporary_since", BigInteger),
    partial_index("threads_head", "head_at", where="head_at IS NOT NULL"),
    partial_index("threads_held", "held_until", where="hold_token IS NOT NULL"),
    partial_index("threads_temporary", "updated_at", where="temporary_since IS NOT NULL"),
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
    # How long earlier attempts ran, in microseconds: the time limit counts them too.
    Column("spent", BigInteger, nullable=False, default=0, server_default="0"),
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
    partial_index("runs_in_flight", "thread_id", "created_at", "seq", where=IN_FLIGHT),
    partial_index("runs_one_running", "thread_id", where="status = 'running'", unique=True),
    partial_index("runs_by_live_status", "status", "created_at", where=IN_FLIGHT),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("body_sha256", String, nullable=False),
    # The run or thread that was created.
    Column("created_id", String, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("idempotency_keys_expiry", "expires_at"),
)

crons = Table(
    "crons",
    metadata,
    Column("cron_id", String, primary_key=True),
    Column("assistant_id", String, nullable=False),
    # Null for a cron that makes a thread for each of its runs.
    Column("thread_id", String),
    Column("user_id", String),
    Column("signed", JSON, nullable=False),
    Column("schedule", String, nullable=False),
    Column("timezone", String),
    Column("end_at", BigInteger),
    Column("payload", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("on_run_completed", String),
    Column("enabled", Boolean, nullable=False),
    # When it fires next; null while it is disabled and once its end has come.
    Column("next_run_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    partial_index("crons_due", "next_run_at", where="next_run_at IS NOT NULL"),
    Index("crons_created", "created_at"),
    Index("crons_thread", "thread_id"),
    Index("crons_assistant", "assistant_id"),
)

# Webhooks that have not been delivered yet.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("delivery_id", String, primary_key=True),
    Column("url", Text, nullable=False),
    # The run as it is sent, without its values: they are JSON text already.
    Column("run", JSON, nullable=False),
    Column("values", Text),
    Column("created_at", BigInteger, nullable=False),
    # When it may be tried; while somebody tries it, when somebody else may.
    Column("due_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Index("webhook_deliveries_due", "due_at"),
)
