"""Finds the tables of items of a connection's database."""

import functools

from sqlalchemy import Connection

from outrigger_server.stores.dialect import POSTGRESQL
from outrigger_server.stores.item_tables.base import ItemTables
from outrigger_server.stores.item_tables.sqlite import SqliteItems


def item_tables(connection: Connection) -> ItemTables:
    """The tables of the connection's database."""
    return _tables_of(connection.dialect.name)


@functools.cache
def _tables_of(dialect: str) -> ItemTables:
    if dialect == POSTGRESQL:
        # Its driver comes with the extra `postgres` only.
        from outrigger_server.stores.item_tables.postgres import PostgresItems

        return PostgresItems()
    return SqliteItems()
