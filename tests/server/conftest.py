"""A database in a file of the test's own, and a desk that hands it the stores' jobs."""

import pytest

from fakes.clock import TurnedClock
from fakes.empty_database import empty_database
from fakes.observer import CountingObserver
from fakes.run_desk import RunDesk


@pytest.fixture
async def database(tmp_path):
    async with empty_database(tmp_path / "data") as database:
        yield database


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
def desk(database, clock):
    return RunDesk(database, clock)


@pytest.fixture
def observer():
    return CountingObserver()
