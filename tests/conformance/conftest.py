"""Every implementation of a role, opened afresh for each test of its suite.

A new backend adds one line here; it is not named in `app.py` before the suites pass.
"""

from contextlib import AsyncExitStack

import pytest

from conformance.brokers import BROKERS
from fakes.clock import TurnedClock
from fakes.postgres_databases import postgres_template, postgres_uri
from outrigger_server.stores.postgres import PostgresDatabase
from outrigger_server.stores.sqlite import SqliteDatabase

__all__ = ["postgres_template", "postgres_uri"]

DATABASES = {
    "sqlite": lambda request: SqliteDatabase(request.getfixturevalue("tmp_path")),
    "postgres": lambda request: PostgresDatabase(request.getfixturevalue("postgres_uri")),
}


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture(params=DATABASES)
def make_database(request):
    return lambda: DATABASES[request.param](request)


@pytest.fixture
async def database(make_database):
    async with make_database() as database:
        yield database


@pytest.fixture
def redis(redis_server):
    """A Redis that runs and holds nothing."""
    redis_server.start()
    redis_server.clear()
    return redis_server


@pytest.fixture(params=BROKERS)
async def open_broker(request, clock):
    """Make a broker whose streams keep `limit` events, and keep them after the end."""
    redis = None if request.param == "in process" else request.getfixturevalue("redis")
    async with AsyncExitStack() as stack:

        async def make(*, limit=100, keep_seconds=60.0):
            opened = BROKERS[request.param](redis, clock, limit=limit, keep_seconds=keep_seconds)
            return await stack.enter_async_context(opened)

        yield make


@pytest.fixture
async def open_log(open_broker):
    async def make(**options):
        return (await open_broker(**options)).events

    return make


@pytest.fixture
async def log(open_log):
    return await open_log()


@pytest.fixture
async def wakeups(open_broker):
    return (await open_broker()).wakeups


@pytest.fixture
async def signals(open_broker):
    return (await open_broker()).cancels
