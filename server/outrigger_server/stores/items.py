"""The key-value store graphs use, written behind an attempt's fence.

Rows keep the format of langgraph's own store for the database: see `item_tables`.
"""

import functools
from collections.abc import Callable, Iterable
from functools import partial

from langgraph.store.base import BaseStore, Op, PutOp, Result
from sqlalchemy import Connection
from typing_extensions import override

from outrigger_server.domain.nul import holds_nul
from outrigger_server.errors import FencedWrite, InvalidRequest
from outrigger_server.stores.base import Database
from outrigger_server.stores.dialect import POSTGRESQL
from outrigger_server.stores.fence import Fence, WriteObserver
from outrigger_server.stores.item_tables import sqlite


class FencedStore(BaseStore):
    """Reads freely; a batch with a put passes the fence or raises `FencedWrite`.

    A batch is one transaction, and an awaited one is on disk. What has a NUL character in it
    raises `InvalidRequest` on every database, as PostgreSQL can hold none.
    """

    def __init__(self, database: Database, fence: Fence | None, observer: WriteObserver) -> None:
        self._database = database
        self._fence = fence
        self._observer = observer

    @override
    def batch(self, ops: Iterable[Op]) -> list[Result]:
        wanted = _storable(ops)
        if not _writes(wanted):
            return self._database.read_blocking(partial(_batch, wanted))
        try:
            return self._database.write_blocking(partial(_fenced_batch, self._fence, wanted))
        except FencedWrite:
            self._observer.write_refused("store")
            raise

    @override
    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        wanted = _storable(ops)
        if not _writes(wanted):
            return await self._database.read(partial(_batch, wanted))
        try:
            return await self._database.write(partial(_fenced_batch, self._fence, wanted))
        except FencedWrite:
            self._observer.write_refused("store")
            raise


def _storable(ops: Iterable[Op]) -> list[Op]:
    wanted = list(ops)
    for op in wanted:
        for name, value in op._asdict().items():
            if holds_nul(value):
                raise InvalidRequest(f"store: {name} holds a NUL character; take it out")
    return wanted


def _writes(ops: list[Op]) -> bool:
    return any(isinstance(op, PutOp) for op in ops)


def _fenced_batch(fence: Fence | None, ops: list[Op], connection: Connection) -> list[Result]:
    if fence is not None:
        fence.check(connection)
    return _batch(ops, connection)


def _batch(ops: list[Op], connection: Connection) -> list[Result]:
    return _batch_of(connection.dialect.name)(connection, ops)


@functools.cache
def _batch_of(dialect: str) -> Callable[[Connection, list[Op]], list[Result]]:
    if dialect == POSTGRESQL:
        # Its driver comes with the extra `postgres` only.
        from outrigger_server.stores.item_tables import postgres

        return postgres.batch
    return sqlite.batch
