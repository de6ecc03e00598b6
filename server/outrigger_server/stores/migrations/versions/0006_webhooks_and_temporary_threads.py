"""Webhooks to be delivered, and threads that go with their run."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TEMPORARY = sa.text("temporary_since IS NOT NULL")


def upgrade() -> None:
    """Add the column and the table; no thread is temporary yet."""
    op.add_column("threads", sa.Column("temporary_since", sa.BigInteger(), nullable=True))
    op.create_index(
        "threads_temporary",
        "threads",
        ["updated_at"],
        sqlite_where=TEMPORARY,
        postgresql_where=TEMPORARY,
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("run", sa.JSON(), nullable=False),
        sa.Column("values", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    op.create_index("webhook_deliveries_due", "webhook_deliveries", ["due_at"])
