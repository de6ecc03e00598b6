"""Items in SQLite, as langgraph's SQLite store has them; it builds the statements that read."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from sqlite3 import Cursor
from typing import Any

import orjson
from langgraph.store.base import Op, PutOp, Result, SearchOp
from langgraph.store.sqlite import SqliteStore
from sqlalchemy import Connection
from typing_extensions import override

from outrigger_server.errors import ConfigurationError
from outrigger_server.stores.dialect import driver_of
from outrigger_server.stores.item_tables.base import OTHER_DIMS, ItemKey
from outrigger_server.stores.item_tables.distances import give_distances
from outrigger_server.stores.item_tables.ops import SIGNS, last_puts, plain

_NOW = "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')"
_AFTER_MINUTES = (
    "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', '+' || (60.0 * {minutes}) || ' seconds')"
)
_PUT = f"""
INSERT INTO store (prefix, key, value, created_at, updated_at, expires_at, ttl_minutes)
VALUES (?, ?, ?, {_NOW}, {_NOW}, {_AFTER_MINUTES.format(minutes="?")}, ?)
ON CONFLICT (prefix, key) DO UPDATE SET value = excluded.value,
    updated_at = excluded.updated_at, expires_at = excluded.expires_at,
    ttl_minutes = excluded.ttl_minutes
"""  # noqa: S608  our own text
_REFRESH = f"""
UPDATE store SET expires_at = {_AFTER_MINUTES.format(minutes="ttl_minutes")}
WHERE prefix = ? AND key = ? AND ttl_minutes IS NOT NULL
"""  # noqa: S608  our own text
_IS_AGING = "SELECT 1 FROM store WHERE prefix = ? AND key = ? AND ttl_minutes IS NOT NULL"
_FORGET = "DELETE FROM store_vectors WHERE prefix = ? AND key = ?"
FLOAT_BYTES = 4
_VECTORS = (
    """
CREATE TABLE IF NOT EXISTS store_vectors (
    prefix text NOT NULL, key text NOT NULL, field_name text NOT NULL, embedding BLOB,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP, updated_at TEXT DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (prefix, key, field_name))
""",
    """
CREATE TRIGGER IF NOT EXISTS store_vectors_go AFTER DELETE ON store BEGIN
    DELETE FROM store_vectors WHERE prefix = old.prefix AND key = old.key;
END
""",
)
_SWEEP = f"""
DELETE FROM store WHERE rowid IN (
    SELECT rowid FROM store WHERE expires_at <= {_NOW} ORDER BY expires_at LIMIT ?)
"""  # noqa: S608  our own text


class SqliteItems:
    """See `ItemTables`."""

    def batch(
        self, connection: Connection, ops: Sequence[Op], index: Any | None = None
    ) -> list[Result]:
        """See `ItemTables.batch`."""
        driver: Any = driver_of(connection)
        if index is not None:
            give_distances(driver)
        return _JobStore(driver, index).batch([plain(op) for op in ops])

    def prepare_index(self, connection: Connection, dims: int) -> None:
        """See `ItemTables.prepare_index`."""
        driver = driver_of(connection)
        for statement in _VECTORS:
            driver.execute(statement)
        row = driver.execute("SELECT length(embedding) FROM store_vectors LIMIT 1").fetchone()
        if row is not None and row[0] != FLOAT_BYTES * dims:
            raise ConfigurationError([OTHER_DIMS.format(row[0] // FLOAT_BYTES)])

    def aging(self, connection: Connection, keys: Sequence[ItemKey]) -> list[ItemKey]:
        """See `ItemTables.aging`."""
        driver = driver_of(connection)
        return [key for key in keys if driver.execute(_IS_AGING, key).fetchone()]

    def refresh(self, connection: Connection, keys: Sequence[ItemKey]) -> None:
        """See `ItemTables.refresh`."""
        for key in keys:
            driver_of(connection).execute(_REFRESH, key)

    def sweep(self, connection: Connection, limit: int) -> int:
        """See `ItemTables.sweep`."""
        return driver_of(connection).execute(_SWEEP, (limit,)).rowcount


class _JobStore(SqliteStore):
    """langgraph's store inside a transaction that is ours to begin and to commit."""

    def __init__(self, connection: Any, index: Any | None) -> None:
        super().__init__(connection, index=index)
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

    @override
    def _prepare_batch_PUT_queries(self, put_ops: Sequence[tuple[int, PutOp]]) -> Any:
        # langgraph's own makes a replaced item as new as if there had been none, and counts
        # times in whole seconds.
        queries = [_put(op) for op in last_puts(put_ops)]
        if self.index_config is None:
            return queries, None
        _, embeddings = super()._prepare_batch_PUT_queries(put_ops)
        stale = [(_FORGET, [".".join(op.namespace), op.key]) for _, op in put_ops]
        return [*queries, *stale], embeddings

    @override
    def _prepare_batch_search_queries(self, search_ops: Sequence[tuple[int, SearchOp]]) -> Any:
        queries, embeddings = super()._prepare_batch_search_queries(search_ops)
        ordered = [(_with_one_order(query), *rest) for query, *rest in queries]
        return ordered, embeddings

    @override
    def _get_filter_condition(self, key: str, op: str, value: Any) -> tuple[str, list[Any]]:
        test, given = _test(op, value)
        entry = f'$."{key}"'  # langgraph takes letters, digits, _, . and - only
        test = test.format(found=f"json_extract(value, '{entry}')")
        parameters = [entry, *given]
        if op == "$ne":
            return f"NOT coalesce(json_type(value, ?) {test}, 0)", parameters
        return f"json_type(value, ?) {test}", parameters


def _put(op: PutOp) -> tuple[str, list[Any]]:
    prefix = ".".join(op.namespace)
    if op.value is None:
        return "DELETE FROM store WHERE prefix = ? AND key = ?", [prefix, op.key]
    value = orjson.dumps(dict(op.value)).decode()
    return _PUT, [prefix, op.key, value, op.ttl, op.ttl]


def _with_one_order(query: str) -> str:
    """Items of one moment have an order too, or pages would not fit together."""
    return query.replace("ORDER BY updated_at DESC", "ORDER BY updated_at DESC, prefix, key")


_TYPES = {
    str: "('text')",
    int: "('integer', 'real')",
    float: "('integer', 'real')",
    list: "('array')",
    dict: "('object')",
}


def _test(op: str, value: Any) -> tuple[str, list[Any]]:
    """What an entry's type and the entry `found` must be, and what that compares with."""
    if op in SIGNS:
        return f"IN {_TYPES[type(value)]} AND {{found}} {SIGNS[op]} ?", [value]
    if op not in {"$eq", "$ne"}:
        msg = f"Unsupported operator: {op}"
        raise ValueError(msg)
    if value is None or isinstance(value, bool):
        return "= ? AND {found} IS ?", [orjson.dumps(value).decode(), value]
    kinds = _TYPES[type(value)]
    if isinstance(value, (list, dict)):
        return f"IN {kinds} AND {{found}} = json(?)", [orjson.dumps(value).decode()]
    return f"IN {kinds} AND {{found}} = ?", [value]
