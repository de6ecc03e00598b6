"""The sweeper: bounded batches, and readers of a thread that goes are told."""

from functools import partial

import pytest

from outrigger_server.brokers.in_process import InProcessEventLog
from outrigger_server.domain.event import thread_stream
from outrigger_server.domain.thread import Ttl
from outrigger_server.graphs.retention import Retention
from outrigger_server.stores import threads
from outrigger_server.stores.items import FencedStore
from outrigger_server.threads.sweeps import THREADS_AT_ONCE, Sweeper


@pytest.fixture
async def events(clock):
    return InProcessEventLog(clock, limit=10, keep_seconds=0.0)


async def expired(desk, count):
    for n in range(count):
        job = partial(threads.create_thread, thread_id=f"t{n}", metadata={}, now=1, ttl=Ttl(0.001))
        await desk.database.write(job)


async def test_a_sweep_goes_on_in_batches_until_nothing_is_left(desk, clock, events):
    await expired(desk, 2 * THREADS_AT_ONCE + 1)
    sweeper = Sweeper(desk.database, events, clock, Retention())
    assert await sweeper.sweep_threads() == 2 * THREADS_AT_ONCE + 1
    assert await sweeper.sweep_threads() == 0


async def test_a_sweep_stops_at_its_limit(desk, clock, events):
    await expired(desk, 5)
    sweeper = Sweeper(desk.database, events, clock, Retention(thread_sweep_limit=3))
    assert [await sweeper.sweep_threads() for _ in range(3)] == [3, 2, 0]


async def test_readers_of_a_thread_that_goes_are_told(desk, clock, events):
    await expired(desk, 1)
    reader = await events.subscribe(thread_stream("t0"), None)
    await Sweeper(desk.database, events, clock, Retention()).sweep_threads()
    assert [event async for event in reader.events(10)] == []
    assert reader.end.status == "deleted"


async def test_items_go_when_their_time_is_over(desk, clock, events, observer):
    store = FencedStore(desk.database, None, observer)
    await store.aput(("n",), "short", {}, ttl=1)
    await store.aput(("n",), "long", {}, ttl=1)
    await desk.execute(
        "UPDATE store SET expires_at = '2001-01-01 00:00:00+00:00' WHERE key = 'short'"
    )
    assert await Sweeper(desk.database, events, clock, Retention()).sweep_items() == 1
    assert [item.key for item in await store.asearch(("n",))] == ["long"]
