"""What every broker does with the stream of a thread, which goes on from run to run."""

import asyncio

import pytest

from conformance.test_event_logs import BEGINNING, GAP, data, publish, read
from outrigger_server.brokers.base import RunEnd
from outrigger_server.domain.event import EventId, thread_stream

THREAD = thread_stream("t")


async def gone(log):
    """A reader that came and went; return the log."""
    subscription = await log.subscribe(THREAD, None)
    publish(log, 0, run_id=THREAD)
    (event,) = await read(subscription, 1)
    subscription.close()
    return event.id


async def until_unwanted(log):
    """Return once the broker knows that nobody reads: one over a network must ask first."""
    async with asyncio.timeout(5):
        while log.wants(THREAD):
            await asyncio.sleep(0.01)


async def test_a_reader_gets_what_is_published_from_now_on(log):
    subscription = await log.subscribe(THREAD, None)
    publish(log, 1, 2, run_id=THREAD)
    assert data(await read(subscription, 2)) == [b"1", b"2"]


async def test_who_comes_later_gets_nothing_earlier(log):
    first = await log.subscribe(THREAD, None)
    publish(log, 1, run_id=THREAD)
    assert data(await read(first, 1)) == [b"1"]
    second = await log.subscribe(THREAD, None)
    publish(log, 2, run_id=THREAD)
    assert data(await read(second, 1)) == [b"2"]
    assert data(await read(first, 1)) == [b"2"]


async def test_who_comes_back_gets_what_was_published_meanwhile(log):
    last = await gone(log)
    publish(log, 1, 2, run_id=THREAD)
    subscription = await log.subscribe(THREAD, last)
    publish(log, 3, run_id=THREAD)
    assert data(await read(subscription, 3)) == [b"1", b"2", b"3"]


async def test_who_wants_all_gets_what_is_kept_without_a_gap(log):
    await gone(log)
    publish(log, 1, run_id=THREAD)
    subscription = await log.subscribe(THREAD, BEGINNING)
    assert data(await read(subscription, 2)) == [b"0", b"1"]


async def test_who_wants_all_of_nothing_gets_what_comes(log):
    subscription = await log.subscribe(THREAD, BEGINNING)
    publish(log, 1, run_id=THREAD)
    assert data(await read(subscription, 1)) == [b"1"]


async def test_who_comes_back_to_a_stream_that_nobody_remembers_is_told_of_a_gap(log, clock):
    publish(log, 1, run_id=THREAD)
    await until_unwanted(log)
    clock.turn(10)
    before = EventId(clock.now() // 1000 - 5000, clock.now() // 1000 - 5000)
    subscription = await log.subscribe(THREAD, before)
    publish(log, 2, run_id=THREAD)
    assert data(await read(subscription, 2)) == [GAP, b"2"]


async def test_more_than_is_kept_is_a_gap(open_log):
    log = await open_log(limit=3)
    last = await gone(log)
    publish(log, *range(1, 8), run_id=THREAD)
    subscription = await log.subscribe(THREAD, last)
    assert data(await read(subscription, 4)) == [GAP, b"5", b"6", b"7"]


async def test_the_end_of_a_run_does_not_end_it(log):
    subscription = await log.subscribe(THREAD, None)
    log.open("r", resumable=False)
    log.end(RunEnd("r", "success", b"{}"))
    publish(log, 1, run_id=THREAD)
    assert data(await read(subscription, 1)) == [b"1"]
    assert subscription.end is None


async def test_its_own_end_ends_it_for_everybody(log):
    readers = [await log.subscribe(THREAD, None) for _ in range(2)]
    publish(log, 1, run_id=THREAD)
    end = RunEnd(THREAD, "deleted", b"{}")
    log.end(end)
    for reader in readers:
        assert data(await read(reader)) == [b"1"]
        assert reader.end == end


async def test_every_publisher_may_write_it_in_turn(open_broker):
    one, two = (await open_broker()).events, (await open_broker()).events
    if type(one).__name__ == "InProcessEventLog":
        two = one  # one process has one
    subscription = await two.subscribe(THREAD, None)
    for number, log in enumerate((one, two, one)):
        publish(log, number, run_id=THREAD)
        assert data(await read(subscription, 1)) == [b"%d" % number]


@pytest.mark.parametrize("reads", [True, False])
async def test_it_is_wanted_while_somebody_reads(log, reads):
    if not reads:
        publish(log, 1, run_id=THREAD)
        await until_unwanted(log)
    else:
        subscription = await log.subscribe(THREAD, None)
        publish(log, 1, run_id=THREAD)
        await read(subscription, 1)
    assert log.wants(THREAD) is reads
