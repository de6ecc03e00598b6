"""Ends that the database stored while it said that nobody knows: they are told all the same."""

import asyncio

import pytest

from outrigger_server.brokers.in_process import InProcessEventLog, InProcessWakeups
from outrigger_server.domain.run import CancelAction
from outrigger_server.errors import GraphFailed, StoreUnavailable
from outrigger_server.runs.finish import Finisher
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_telemetry.metrics import local_metrics

ERROR = GraphFailed("ValueError", "no")


class LosesTheFirstAnswer:
    """A database that stores the first write, or not, and in either case does not say so."""

    def __init__(self, database, *, stores=True):
        self._database = database
        self._stores = stores
        self.writes = 0

    async def write(self, job):
        self.writes += 1
        if self.writes == 1:
            if self._stores:
                await self._database.write(job)
            raise StoreUnavailable
        return await self._database.write(job)

    async def read(self, job):
        return await self._database.read(job)

    async def read_with_graph(self, job):
        return await self._database.read(job)


@pytest.fixture
async def events(clock):
    return InProcessEventLog(clock, limit=10, keep_seconds=60.0)


def finisher(database, events, clock):
    telemetry = RunTelemetry(local_metrics())
    return Finisher(database, events, InProcessWakeups(), clock, telemetry, retry_seconds=0.001)


async def told(events, run_id, end):
    waiting = events.ended(run_id)
    await end
    return await asyncio.wait_for(waiting, 3)


@pytest.mark.parametrize("stores", [True, False])
async def test_an_end_is_told_once_it_is_stored_whether_or_not_anybody_said_so(
    desk, events, clock, stores
):
    await desk.thread()
    run = await desk.running("r")
    database = LosesTheFirstAnswer(desk.database, stores=stores)
    end = finisher(database, events, clock).fail(run, None, ERROR)
    assert (await told(events, "r", end)).status == "error"
    assert await desk.status("r") == "error"
    assert database.writes == 2


@pytest.mark.parametrize("stores", [True, False])
async def test_a_rollback_is_told_whether_or_not_anybody_said_that_it_was_stored(
    desk, events, clock, stores
):
    await desk.thread()
    run = await desk.running("r")
    await desk.cancel("r", action=CancelAction.ROLLBACK)
    database = LosesTheFirstAnswer(desk.database, stores=stores)
    end = finisher(database, events, clock).roll_back(run)
    assert (await told(events, "r", end)).status == "rolled_back"
    assert await desk.status("r") is None


async def test_an_end_that_a_rollback_overtook_is_told_as_one(desk, events, clock):
    await desk.thread()
    run = await desk.running("r")
    await desk.cancel("r", action=CancelAction.ROLLBACK)
    database = LosesTheFirstAnswer(desk.database)
    end = finisher(database, events, clock).fail(run, None, ERROR)
    assert (await told(events, "r", end)).status == "rolled_back"


async def test_an_end_of_an_attempt_that_lost_its_run_is_never_told(desk, events, clock):
    await desk.thread()
    run = await desk.running("r")
    await desk.outlive_lease()
    await desk.recover()
    await desk.claimed()
    waiting = events.ended("r")
    database = LosesTheFirstAnswer(desk.database, stores=False)
    await finisher(database, events, clock).fail(run, None, ERROR)
    assert not waiting.done()
    assert await desk.status("r") == "running"
    waiting.cancel()


async def test_an_end_that_another_one_gave_the_run_is_not_told_as_ours(desk, events, clock):
    await desk.thread()
    run = await desk.running("r")
    await desk.finish(run)
    waiting = events.ended("r")
    database = LosesTheFirstAnswer(desk.database, stores=False)
    await finisher(database, events, clock).fail(run, None, ERROR)
    assert not waiting.done()
    waiting.cancel()
