"""The key-value store of graphs and of the API, written behind a fence where there is one.

Rows keep the format of langgraph's own store for the database: see `item_tables`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Op, PutOp, Result, SearchOp, TTLConfig
from sqlalchemy import Connection
from typing_extensions import override

from outrigger_server.domain.item import ItemTtl
from outrigger_server.domain.nul import holds_nul
from outrigger_server.errors import FencedWrite, InvalidRequest
from outrigger_server.stores.base import Database
from outrigger_server.stores.fence import Fence, WriteObserver
from outrigger_server.stores.item_index import ItemIndex
from outrigger_server.stores.item_tables.base import ItemKey
from outrigger_server.stores.item_tables.of import item_tables


@dataclass(frozen=True, slots=True)
class ItemRules:
    """What the store does with every item."""

    ttl: ItemTtl = field(default_factory=ItemTtl)
    index: ItemIndex | None = None


class FencedStore(BaseStore):
    """Reads freely; a batch with a put passes the fence or raises `FencedWrite`.

    A batch is one transaction, and an awaited one is on disk. What has a NUL character in it
    raises `InvalidRequest` on every database, as PostgreSQL can hold none. Reading an item lets
    its time to live begin again, if it has one, in a transaction of its own.
    """

    supports_ttl = True

    def __init__(
        self,
        database: Database,
        fence: Fence | None,
        observer: WriteObserver,
        rules: ItemRules | None = None,
    ) -> None:
        self._database = database
        self._fence = fence
        self._observer = observer
        self._rules = rules or ItemRules()
        ttl = self._rules.ttl
        self.ttl_config = TTLConfig(
            refresh_on_read=ttl.refresh_on_read, default_ttl=ttl.default_minutes
        )

    @override
    def batch(self, ops: Iterable[Op]) -> list[Result]:
        wanted = _storable(ops)
        index = self._rules.index
        known = index.config(index.vectors_blocking(wanted)) if index is not None else None
        if _writes(wanted):
            try:
                return self._database.write_blocking(
                    partial(_fenced_batch, self._fence, wanted, known)
                )
            except FencedWrite:
                self._observer.write_refused("store")
                raise
        results, aging = self._database.read_blocking(partial(_read_batch, wanted, known))
        if aging:
            self._database.write_blocking(partial(_refresh, self._fence, aging))
        return results

    @override
    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        wanted = _storable(ops)
        index = self._rules.index
        known = index.config(await index.vectors(wanted)) if index is not None else None
        if _writes(wanted):
            try:
                return await self._database.write(
                    partial(_fenced_batch, self._fence, wanted, known)
                )
            except FencedWrite:
                self._observer.write_refused("store")
                raise
        results, aging = await self._database.read(partial(_read_batch, wanted, known))
        if aging:
            await self._database.write(partial(_refresh, self._fence, aging))
        return results


def _storable(ops: Iterable[Op]) -> list[Op]:
    wanted = list(ops)
    for op in wanted:
        for name, value in op._asdict().items():
            if holds_nul(value):
                raise InvalidRequest(f"store: {name} holds a NUL character; take it out")
    return wanted


def _writes(ops: Sequence[Op]) -> bool:
    return any(isinstance(op, PutOp) for op in ops)


def _fenced_batch(
    fence: Fence | None, ops: Sequence[Op], index: Any | None, connection: Connection
) -> list[Result]:
    if fence is not None:
        fence.check(connection)
    results, aging = _read_batch(ops, index, connection)
    item_tables(connection).refresh(connection, aging)
    return results


def _read_batch(
    ops: Sequence[Op], index: Any | None, connection: Connection
) -> tuple[list[Result], Sequence[ItemKey]]:
    """Carry out the operations; say which of the items read have a time that begins again."""
    tables = item_tables(connection)
    results = tables.batch(connection, ops, index)
    return results, tables.aging(connection, _to_refresh(ops, results))


def _to_refresh(ops: Sequence[Op], results: Sequence[Result]) -> list[ItemKey]:
    keys: list[ItemKey] = []
    for op, result in zip(ops, results, strict=True):
        if isinstance(op, GetOp) and op.refresh_ttl and result is not None:
            keys.append((".".join(op.namespace), op.key))
        elif isinstance(op, SearchOp) and op.refresh_ttl and isinstance(result, list):
            keys += [(".".join(item.namespace), item.key) for item in result]  # type: ignore[union-attr]  # a search gives items
    return keys


def _refresh(fence: Fence | None, keys: Sequence[ItemKey], connection: Connection) -> None:
    """Let the items' time begin again; a reader that may not write any more changes nothing."""
    try:
        if fence is not None:
            fence.check(connection)
    except FencedWrite:
        return
    item_tables(connection).refresh(connection, keys)


def sweep_items(connection: Connection, limit: int) -> int:
    """Remove up to `limit` items whose time is over; return how many."""
    return item_tables(connection).sweep(connection, limit)


def prepare_index(connection: Connection, dims: int) -> None:
    """Make room for the vectors of items; see `ItemTables.prepare_index`."""
    item_tables(connection).prepare_index(connection, dims)
