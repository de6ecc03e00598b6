"""A database that notes the statements of the jobs it is given to write."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection

from outrigger_server.stores.base import Database

Result = TypeVar("Result")


class CountedDatabase:
    """See `Database`, as far as it writes. Of each statement the first three words are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements: list[str] = []

    def begin_write(
        self, job: Callable[[Connection], Result], **options: Any
    ) -> asyncio.Future[Result]:
        def counted(connection: Connection) -> Result:
            with listening(connection, self._note):
                return job(connection)

        return self._database.begin_write(counted, **options)

    async def write(self, job: Callable[[Connection], Result]) -> Result:
        return await self.begin_write(job)

    def _note(self, statement: str) -> None:
        self.statements.append(" ".join(statement.split()[:3]))


@contextmanager
def listening(connection: Connection, note: Callable[[str], None]) -> Iterator[None]:
    """Give `note` every statement that the connection's driver is given."""
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.set_trace_callback(note)
        try:
            yield
        finally:
            driver.set_trace_callback(None)
        return

    class Noting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *rest: Any, **options: Any) -> Any:
            note(query if isinstance(query, str) else query.decode())
            return super().execute(query, *rest, **options)

    before, driver.cursor_factory = driver.cursor_factory, Noting
    try:
        yield
    finally:
        driver.cursor_factory = before
