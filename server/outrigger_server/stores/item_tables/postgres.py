"""Items in PostgreSQL, as langgraph's own store has them; it builds the statements that read."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from langgraph.store.base import GetOp, Op, PutOp, Result, SearchOp
from langgraph.store.postgres import PostgresStore
from psycopg import Cursor
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from sqlalchemy import Connection
from typing_extensions import override

from outrigger_server.errors import ConfigurationError
from outrigger_server.stores.dialect import driver_of
from outrigger_server.stores.item_tables.base import OTHER_DIMS, ItemKey
from outrigger_server.stores.item_tables.ops import SIGNS, last_puts, plain
from outrigger_server.stores.json_text import json_text

_GET = "SELECT key, value, created_at, updated_at FROM store WHERE prefix = %s AND key = ANY(%s)"
# Not the time of the transaction: it holds the puts of many.
_PUT = """
INSERT INTO store (prefix, key, value, created_at, updated_at, expires_at, ttl_minutes)
VALUES (%s, %s, %s, clock_timestamp(), clock_timestamp(),
    clock_timestamp() + %s * interval '1 minute', %s)
ON CONFLICT (prefix, key) DO UPDATE SET value = excluded.value,
    updated_at = excluded.updated_at, expires_at = excluded.expires_at,
    ttl_minutes = excluded.ttl_minutes
"""
_AMONG = "(SELECT * FROM unnest(%s::text[], %s::text[]) AS given (prefix, key))"
_IS_AGING = f"""
SELECT prefix, key FROM store WHERE ttl_minutes IS NOT NULL AND (prefix, key) IN {_AMONG}
"""  # noqa: S608  our own text
_REFRESH = f"""
UPDATE store SET expires_at = clock_timestamp() + ttl_minutes * interval '1 minute'
FROM (SELECT prefix, key FROM store WHERE ttl_minutes IS NOT NULL AND (prefix, key) IN {_AMONG}
    ORDER BY prefix, key FOR UPDATE) AS aging
WHERE store.prefix = aging.prefix AND store.key = aging.key
"""  # noqa: S608  our own text
_SWEEP = """
DELETE FROM store WHERE (prefix, key) IN (
    SELECT prefix, key FROM store WHERE expires_at <= clock_timestamp()
    ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


_FORGET = "DELETE FROM store_vectors WHERE prefix = %s AND key = %s"
NO_PGVECTOR = (
    "store.index: this PostgreSQL has no extension 'vector'. Install pgvector on its machine "
    "(the package postgresql-NN-pgvector, or https://github.com/pgvector/pgvector), or take "
    "store.index out of langgraph.json."
)
_HAS_PGVECTOR = "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"
_KNOWN_DIMS = """
SELECT atttypmod FROM pg_attribute
WHERE attrelid = to_regclass('store_vectors') AND attname = 'embedding'
"""
_VECTORS = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    """
CREATE TABLE IF NOT EXISTS store_vectors (
    prefix text NOT NULL, key text NOT NULL, field_name text NOT NULL, embedding vector(DIMS),
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (prefix, key, field_name),
    FOREIGN KEY (prefix, key) REFERENCES store (prefix, key) ON DELETE CASCADE)
""",
)


class PostgresItems:
    """See `ItemTables`."""

    def batch(
        self, connection: Connection, ops: Sequence[Op], index: Any | None = None
    ) -> list[Result]:
        """See `ItemTables.batch`."""
        return _JobStore(driver_of(connection), index).batch([plain(op) for op in ops])

    def prepare_index(self, connection: Connection, dims: int) -> None:
        """See `ItemTables.prepare_index`."""
        driver = driver_of(connection)
        known = driver.execute(_KNOWN_DIMS).fetchone()
        if known is not None:
            if known[0] != dims:
                raise ConfigurationError([OTHER_DIMS.format(known[0])])
            return
        if driver.execute(_HAS_PGVECTOR).fetchone() is None:
            raise ConfigurationError([NO_PGVECTOR])
        for statement in _VECTORS:
            driver.execute(statement.replace("DIMS", str(dims)))

    def aging(self, connection: Connection, keys: Sequence[ItemKey]) -> list[ItemKey]:
        """See `ItemTables.aging`."""
        if not keys:
            return []
        rows = driver_of(connection).execute(_IS_AGING, _columns(keys)).fetchall()
        return [(prefix, key) for prefix, key in rows]

    def refresh(self, connection: Connection, keys: Sequence[ItemKey]) -> None:
        """See `ItemTables.refresh`."""
        if keys:
            driver_of(connection).execute(_REFRESH, _columns(keys))

    def sweep(self, connection: Connection, limit: int) -> int:
        """See `ItemTables.sweep`."""
        return driver_of(connection).execute(_SWEEP, (limit,)).rowcount


def _columns(keys: Sequence[ItemKey]) -> tuple[list[str], list[str]]:
    return [prefix for prefix, _ in keys], [key for _, key in keys]


class _JobStore(PostgresStore):
    """langgraph's store inside a transaction that is ours to begin and to commit."""

    def __init__(self, connection: Any, index: Any | None) -> None:
        super().__init__(connection, index=index)

    @contextmanager
    @override
    def _cursor(self, *, pipeline: bool = False) -> Iterator[Cursor[DictRow]]:
        connection: Any = self.conn
        with connection.cursor(binary=True, row_factory=dict_row) as cursor:
            yield cursor

    @override
    def _get_batch_GET_ops_queries(
        self, get_ops: Sequence[tuple[int, GetOp]]
    ) -> list[tuple[str, Any, tuple[str, ...], list[Any]]]:
        # langgraph's own sets the items' age back too, which a reading transaction refuses.
        wanted: dict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
        for index, op in get_ops:
            wanted[op.namespace].append((index, op.key))
        return [
            (_GET, (".".join(namespace), [key for _, key in items]), namespace, items)
            for namespace, items in wanted.items()
        ]

    @override
    def _prepare_batch_PUT_queries(self, put_ops: Sequence[tuple[int, PutOp]]) -> Any:
        queries = [_put(op) for op in last_puts(put_ops)]
        if self.index_config is None:
            return queries, None
        _, embeddings = super()._prepare_batch_PUT_queries(put_ops)
        stale = [(_FORGET, [".".join(op.namespace), op.key]) for _, op in put_ops]
        return [*queries, *stale], embeddings

    @override
    def _prepare_batch_search_queries(self, search_ops: Sequence[tuple[int, SearchOp]]) -> Any:
        queries, embeddings = super()._prepare_batch_search_queries(search_ops)
        ordered = [(_with_one_order(query), parameters) for query, parameters in queries]
        return ordered, embeddings

    @override
    def _get_filter_condition(self, key: str, op: str, value: Any) -> tuple[str, list[Any]]:
        if op in SIGNS:  # langgraph's own compares numbers as texts
            return _comparison(key, SIGNS[op], value)
        if op == "$eq":
            return "value -> %s = %s::jsonb", [key, json_text(value)]
        if op == "$ne":
            return "value -> %s IS DISTINCT FROM %s::jsonb", [key, json_text(value)]
        msg = f"Unsupported operator: {op}"
        raise ValueError(msg)


def _put(op: PutOp) -> tuple[str, list[Any]]:
    prefix = ".".join(op.namespace)
    if op.value is None:
        return "DELETE FROM store WHERE prefix = %s AND key = %s", [prefix, op.key]
    minutes = float(op.ttl) if op.ttl is not None else None
    return _PUT, [prefix, op.key, Jsonb(dict(op.value)), minutes, minutes]


def _comparison(key: str, sign: str, value: Any) -> tuple[str, list[Any]]:
    """Only what is of the value's own kind compares with it."""
    kind, cast = ("string", 'COLLATE "C"') if isinstance(value, str) else ("number", "::numeric")
    is_comparable = f"jsonb_typeof(value -> %s) = '{kind}'"
    compared = f"(value ->> %s) {cast} {sign} %s"
    return f"CASE WHEN {is_comparable} THEN {compared} ELSE false END", [key, key, value]


def _with_one_order(query: str) -> str:
    """Items of one moment have an order too, or pages would not fit together."""
    last = "ORDER BY store.updated_at DESC"
    return query.replace(last, f"{last}, store.prefix, store.key")
