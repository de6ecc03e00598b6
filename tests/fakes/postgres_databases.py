"""PostgreSQL databases at the newest schema: migrated once, then copied for each test."""

from collections.abc import Iterator

import pytest

from harness.postgres import PostgresServer
from outrigger_server.stores.postgres import migrate_postgres

LAZY_ROWS = [
    "ALTER TABLE checkpoints ALTER checkpoint SET DEFAULT '{}'",
    "ALTER TABLE checkpoint_writes ALTER blob SET DEFAULT ''",
    "ALTER TABLE writes_kept ALTER blob SET DEFAULT ''",
]
"""Tests that put rows in by hand need not say what they hold."""


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of an empty database at the newest schema, to copy."""
    name = postgres_server.create_database()
    migrate_postgres(postgres_server.url_of(name))
    for statement in LAZY_ROWS:
        postgres_server.run(statement, name)
    return name


@pytest.fixture
def postgres_uri(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The address of an empty database of the test's own."""
    with postgres_server.fresh_database(postgres_template) as uri:
        yield uri
