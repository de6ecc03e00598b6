"""The PostgreSQL that tests start: the product's own, which also makes databases."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from outrigger_loadtests.faults.postgres import Postgres


class PostgresServer(Postgres):
    """A `postgres` whose `url` is the maintenance database; tests want `fresh_database`."""

    def run(self, statement: sql.Composed | str, database: str = "postgres") -> None:
        """Carry out one statement outside a transaction."""
        with psycopg.connect(self.url_of(database), autocommit=True) as connection:
            connection.execute(statement)

    def create_database(self, template: str = "template0") -> str:
        """Make a database as a copy of `template` and return its name; takes about 20 ms.

        Nobody may be connected to `template` meanwhile.
        """
        name = f"test_{uuid4().hex}"
        self.run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, cutting its connections."""
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def fresh_database(self, template: str = "template0") -> Iterator[str]:
        """The address of a new copy of `template` that is removed after the block."""
        name = self.create_database(template)
        try:
            yield self.url_of(name)
        finally:
            self.start()
            self.drop_database(name)


@contextmanager
def started_postgres(
    *, fsync: bool = False, password: str | None = None, programs: Path | None = None
) -> Iterator[PostgresServer]:
    """Run a PostgreSQL until the block ends: the machine's, or the one with these programs."""
    with tempfile.TemporaryDirectory(prefix="outrigger-postgres-") as folder:
        server = PostgresServer(Path(folder), fsync=fsync, password=password, programs=programs)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL that a test process shares; whoever stops it starts it again."""
    with started_postgres() as server:
        yield server
