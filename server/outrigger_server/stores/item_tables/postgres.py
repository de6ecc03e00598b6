"""Items in PostgreSQL, as langgraph's PostgreSQL store has them; it builds the statements."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from langgraph.store.base import GetOp, Op, PutOp, Result, SearchOp
from langgraph.store.postgres import PostgresStore
from psycopg import Cursor
from psycopg.rows import DictRow, dict_row
from sqlalchemy import Connection
from typing_extensions import override

from outrigger_server.stores.dialect import driver_of

_GET = "SELECT key, value, created_at, updated_at FROM store WHERE prefix = %s AND key = ANY(%s)"


def batch(connection: Connection, ops: list[Op]) -> list[Result]:
    """Carry out the operations in the connection's transaction."""
    return _JobStore(driver_of(connection)).batch([_without_refresh(op) for op in ops])


def _without_refresh(op: Op) -> Op:
    """A search that only reads: nothing sweeps items by age, so no age need be set back."""
    return op._replace(refresh_ttl=False) if isinstance(op, SearchOp) else op


class _JobStore(PostgresStore):
    """langgraph's store inside a transaction that is ours to begin and to commit."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)

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
        # One order for everybody: two batches never wait for each other's rows.
        ordered = sorted(put_ops, key=lambda entry: (entry[1].namespace, entry[1].key))
        return super()._prepare_batch_PUT_queries(ordered)
