"""Crons are tried on every database; two desks on one PostgreSQL stand for two processes."""

import pytest

from fakes.cron_desk import CronDesk
from fakes.empty_database import empty_database
from fakes.postgres_databases import postgres_template, postgres_uri
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
async def crons(database, clock):
    return CronDesk(database, clock)


@pytest.fixture
async def here(postgres_database, clock):
    return CronDesk(postgres_database, clock)


@pytest.fixture
async def there(postgres_uri, clock):
    async with PostgresDatabase(postgres_uri) as database:
        yield CronDesk(database, clock)
