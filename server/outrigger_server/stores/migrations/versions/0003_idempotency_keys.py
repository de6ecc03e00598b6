"""Idempotency keys, and the time that a run's earlier attempts took."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table and the column; runs that wait or run have spent nothing yet."""
    op.add_column("runs", sa.Column("spent", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("created_id", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    op.create_index("idempotency_keys_expiry", "idempotency_keys", ["expires_at"])
