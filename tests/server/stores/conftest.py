"""The stores' jobs are tried on every database; what is one database's own says so."""

import pytest

from fakes.empty_database import empty_database
from fakes.postgres_databases import postgres_template, postgres_uri
from fakes.run_desk import RunDesk
from harness.writer_gate import Gate
from outrigger_server.stores.postgres import PostgresDatabase

__all__ = ["postgres_template", "postgres_uri"]


@pytest.fixture
async def sqlite_database(tmp_path):
    async with empty_database(tmp_path / "data") as database:
        yield database


@pytest.fixture
async def postgres_database(postgres_uri):
    async with PostgresDatabase(postgres_uri) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    return request.getfixturevalue(f"{request.param}_database")


@pytest.fixture
async def here(postgres_database, clock):
    return RunDesk(postgres_database, clock)


@pytest.fixture
async def there(postgres_uri, clock):
    async with PostgresDatabase(postgres_uri) as database:
        yield RunDesk(database, clock)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()
