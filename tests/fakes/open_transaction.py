"""A database whose jobs all run in one transaction that is open already, each behind a savepoint.

Lets savers and stores write inside a job, so that a long history is one commit or none.
"""

from typing import TypeVar

from sqlalchemy import Connection

from outrigger_server.stores.base import Job
from outrigger_server.stores.checkpoint_tables.of import tables_of_dialect
from outrigger_server.stores.dialect import driver_of

Result = TypeVar("Result")


class OpenTransaction:
    """See `Database`; only what plain threads use."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.checkpoint_tables = tables_of_dialect(connection.dialect.name)

    def write_blocking(self, job: Job[Result]) -> Result:
        driver = driver_of(self._connection)
        driver.execute("SAVEPOINT step")
        try:
            result = job(self._connection)
        except BaseException:
            driver.execute("ROLLBACK TO SAVEPOINT step")
            driver.execute("RELEASE SAVEPOINT step")
            raise
        driver.execute("RELEASE SAVEPOINT step")
        return result

    def read_blocking(self, job: Job[Result]) -> Result:
        return job(self._connection)
