"""Items in SQLite, as langgraph's SQLite store has them; it builds the statements."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Cursor
from typing import Any

from langgraph.store.base import Op, Result
from langgraph.store.sqlite import SqliteStore
from sqlalchemy import Connection
from typing_extensions import override

from outrigger_server.stores.dialect import driver_of


def batch(connection: Connection, ops: list[Op]) -> list[Result]:
    """Carry out the operations in the connection's transaction."""
    return _JobStore(driver_of(connection)).batch(ops)


class _JobStore(SqliteStore):
    """langgraph's store inside a transaction that is ours to begin and to commit."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.is_setup = True  # the migrations made its tables
        self.lock = threading.Lock()

    @contextmanager
    @override
    def _cursor(self, *, transaction: bool = True) -> Iterator[Cursor]:
        cursor = self.conn.cursor()
        try:
            yield cursor
        finally:
            cursor.close()
