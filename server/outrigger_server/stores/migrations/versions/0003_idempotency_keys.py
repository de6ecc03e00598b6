"""Idempotency keys, the time that a run's earlier attempts took, and safer JSON."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

SAFE_JSON = r"""
CREATE OR REPLACE FUNCTION outrigger_json(given text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    even CONSTANT text := '(?<!\\)((?:\\\\)*)';
    high CONSTANT text := '\\u[dD][89abAB][0-9a-fA-F]{2}';
    low CONSTANT text := '\\u[dD][c-fC-F][0-9a-fA-F]{2}';
BEGIN
    RETURN given::jsonb;
EXCEPTION WHEN data_exception THEN
    BEGIN
        given := regexp_replace(given, even || '\\u0000', '\1\\uffff', 'g');
        given := regexp_replace(given, even || high || '(?!' || low || ')', '\1\\uffff', 'g');
        given := regexp_replace(given, '(?<!' || high || ')' || even || low, '\1\\uffff', 'g');
        RETURN given::jsonb;
    EXCEPTION WHEN data_exception THEN
        RETURN NULL;
    END;
END $$
"""
"""Text as jsonb; what jsonb cannot hold, NUL and halves of emojis, as U+FFFF, which is no letter.

Null is left for numbers beyond all bounds only.
"""


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
    if op.get_context().dialect.name == "postgresql":
        op.execute(SAFE_JSON)
