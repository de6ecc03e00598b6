"""Brokers over a Redis that the test may stop, one for each process of a server."""

from contextlib import AsyncExitStack

import pytest

from fakes.clock import TurnedClock
from outrigger_server.brokers.redis.broker import RedisBroker


@pytest.fixture
def redis(redis_server):
    redis_server.start()
    redis_server.clear()
    yield redis_server
    redis_server.start()


@pytest.fixture
def lost():
    """Counts of the events that were dropped."""
    return []


@pytest.fixture
async def open_broker(redis, lost):
    clock = TurnedClock()
    async with AsyncExitStack() as stack:

        async def make(*, limit=100, keep_seconds=60.0):
            broker = RedisBroker(
                redis.url, clock, limit=limit, keep_seconds=keep_seconds, lost=lost.append
            )
            return await stack.enter_async_context(broker)

        yield make


@pytest.fixture
async def worker(open_broker):
    return await open_broker()


@pytest.fixture
async def api(open_broker):
    return await open_broker()
