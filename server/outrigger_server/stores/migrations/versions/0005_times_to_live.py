"""Times to live of threads; times to live of items may be fractions on PostgreSQL too."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; threads that are there stay as long as they like."""
    op.add_column("threads", sa.Column("ttl_minutes", sa.Double(), nullable=True))
    op.add_column("threads", sa.Column("ttl_strategy", sa.String(), nullable=True))
    op.add_column("threads", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    condition = sa.text("expires_at IS NOT NULL")
    op.create_index(
        "threads_expiry",
        "threads",
        ["expires_at"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("store", "ttl_minutes", type_=sa.Double())
