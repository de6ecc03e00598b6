"""Finds the checkpoint tables of a connection's database."""

import functools

from sqlalchemy import Connection

from outrigger_server.stores.checkpoint_tables.base import CheckpointTables
from outrigger_server.stores.checkpoint_tables.sqlite import SqliteCheckpoints
from outrigger_server.stores.dialect import POSTGRESQL


def checkpoint_tables(connection: Connection) -> CheckpointTables:
    """The tables of the connection's database."""
    return tables_of_dialect(connection.dialect.name)


@functools.cache
def tables_of_dialect(dialect: str) -> CheckpointTables:
    """The tables of a kind of database, by SQLAlchemy's name for it."""
    if dialect == POSTGRESQL:
        # Its driver comes with the extra `postgres` only.
        from outrigger_server.stores.checkpoint_tables.postgres import PostgresCheckpoints

        return PostgresCheckpoints()
    return SqliteCheckpoints()
