"""Versions of assistants, and crons."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

FIRST_VERSIONS = """
INSERT INTO assistant_versions
    (assistant_id, version, graph_id, name, description, config, context, metadata, created_at)
SELECT assistant_id, version, graph_id, name, description, config, context, metadata, updated_at
FROM assistants
"""


def upgrade() -> None:
    """Add the tables; every assistant there is gets its present version."""
    op.create_table(
        "assistant_versions",
        sa.Column("assistant_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("graph_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("assistant_id", "version"),
    )
    op.execute(FIRST_VERSIONS)
    op.create_index("assistants_created", "assistants", ["created_at"])
    op.create_table(
        "crons",
        sa.Column("cron_id", sa.String(), primary_key=True),
        sa.Column("assistant_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String()),
        sa.Column("user_id", sa.String()),
        sa.Column("signed", sa.JSON(), nullable=False),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("timezone", sa.String()),
        sa.Column("end_at", sa.BigInteger()),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("on_run_completed", sa.String()),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("next_run_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
    )
    due = sa.text("next_run_at IS NOT NULL")
    op.create_index("crons_due", "crons", ["next_run_at"], sqlite_where=due, postgresql_where=due)
    op.create_index("crons_created", "crons", ["created_at"])
    op.create_index("crons_thread", "crons", ["thread_id"])
    op.create_index("crons_assistant", "crons", ["assistant_id"])
