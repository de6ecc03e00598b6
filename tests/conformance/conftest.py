"""Every implementation of a role, opened afresh for each test of its suite.

A new backend adds one line here; it is not named in `app.py` before the suites pass.
"""

import pytest

from fakes.clock import TurnedClock
from fakes.postgres_databases import postgres_template, postgres_uri
from outrigger_server.brokers.in_process import (
    InProcessCancelSignals,
    InProcessEventLog,
    InProcessWakeups,
)
from outrigger_server.stores.postgres import PostgresDatabase
from outrigger_server.stores.sqlite import SqliteDatabase

__all__ = ["postgres_template", "postgres_uri"]

DATABASES = {
    "sqlite": lambda request: SqliteDatabase(request.getfixturevalue("tmp_path")),
    "postgres": lambda request: PostgresDatabase(request.getfixturevalue("postgres_uri")),
}
EVENT_LOGS = {"in process": InProcessEventLog}
WAKEUPS = {"in process": InProcessWakeups}
CANCEL_SIGNALS = {"in process": InProcessCancelSignals}


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


@pytest.fixture(params=EVENT_LOGS)
async def open_log(request, clock):
    """Make an event log that keeps `limit` events, and keeps them after the end."""

    def make(*, limit: int = 100, keep_seconds: float = 60.0):
        return EVENT_LOGS[request.param](clock, limit=limit, keep_seconds=keep_seconds)

    return make


@pytest.fixture
async def log(open_log):
    return open_log()


@pytest.fixture(params=WAKEUPS)
async def wakeups(request):
    return WAKEUPS[request.param]()


@pytest.fixture(params=CANCEL_SIGNALS)
async def signals(request):
    return CANCEL_SIGNALS[request.param]()
