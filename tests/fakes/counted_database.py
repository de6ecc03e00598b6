"""A database that notes the statements of the jobs it is given to write."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, event

from outrigger_server.stores.base import Database

Result = TypeVar("Result")


class CountedDatabase:
    """See `Database`, as far as it writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements: list[str] = []

    def begin_write(self, job: Callable[[Connection], Result]) -> asyncio.Future[Result]:
        def counted(connection: Connection) -> Result:
            event.listen(connection, "before_cursor_execute", self._note)
            try:
                return job(connection)
            finally:
                event.remove(connection, "before_cursor_execute", self._note)

        return self._database.begin_write(counted)

    async def write(self, job: Callable[[Connection], Result]) -> Result:
        return await self.begin_write(job)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.statements.append(" ".join(statement.split()))
