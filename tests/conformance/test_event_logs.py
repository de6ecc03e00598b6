"""What every broker's event log does; see `EventLog` and `Subscription`."""

import asyncio

import pytest

from outrigger_server.brokers.base import RunEnd
from outrigger_server.domain.event import EventId, Gap
from outrigger_server.errors import Unavailable

BEGINNING = EventId.parse("-1")
END = RunEnd("r", "success", b"{}")
HEARTBEAT = 30.0
GAP = "gap"


async def read(subscription, count=None):
    """The next `count` events and gaps, or all of them up to the end of the stream."""
    events = []
    if count == 0:
        return events
    async with asyncio.timeout(5):
        async for event in subscription.events(HEARTBEAT):
            if event is not None:
                events.append(event)
            if len(events) == count:
                break
    return events


def data(events):
    return [GAP if event == Gap() else event.data for event in events]


def publish(log, *numbers, run_id="r"):
    for number in numbers:
        log.publish(run_id, "values", b"%d" % number)


async def test_a_reader_gets_the_events_in_the_order_they_were_published(log):
    log.open("r", resumable=False)
    subscription = await log.subscribe("r", None)
    publish(log, *range(20))
    log.end(END)
    assert data(await read(subscription)) == [b"%d" % n for n in range(20)]


async def test_ids_increase_also_when_the_clock_stands_still_or_steps_back(log, clock):
    log.open("r", resumable=True)
    subscription = await log.subscribe("r", None)
    for step in (0, 0, 1, -2, 0, 5):
        clock.turn(step)
        publish(log, 1)
        await asyncio.sleep(0)
    log.end(END)
    ids = [event.id for event in await read(subscription)]
    assert ids == sorted(set(ids))
    assert len(ids) == 6


async def test_ids_go_on_increasing_when_the_next_attempt_opens_the_stream_again(log):
    log.open("r", resumable=True)
    publish(log, 1)
    log.open("r", resumable=True)
    publish(log, 2)
    first, second = await read(await log.subscribe("r", BEGINNING), 2)
    assert second.id > first.id


async def test_a_reader_without_a_place_gets_only_what_comes(log):
    log.open("r", resumable=True)
    publish(log, 1)
    subscription = await log.subscribe("r", None)
    publish(log, 2)
    log.end(END)
    assert data(await read(subscription)) == [b"2"]


@pytest.mark.parametrize("place", range(6))
async def test_a_resumed_reader_has_neither_gap_nor_duplicate(log, place):
    log.open("r", resumable=True)
    publish(log, *range(5))
    every = await read(await log.subscribe("r", BEGINNING), 5)
    after = every[place - 1].id if place else BEGINNING
    subscription = await log.subscribe("r", after)
    publish(log, 5, 6)
    log.end(END)
    assert data(await read(subscription)) == [b"%d" % n for n in range(place, 7)]


async def test_every_reader_gets_every_event(log):
    log.open("r", resumable=False)
    readers = [await log.subscribe("r", None) for _ in range(3)]
    publish(log, 1, 2)
    log.end(END)
    assert [data(await read(reader)) for reader in readers] == [[b"1", b"2"]] * 3


async def test_events_reach_the_readers_of_their_own_run_only(log):
    subscription = await log.subscribe("r", None)
    log.open("other", resumable=False)
    publish(log, 1, run_id="other")
    publish(log, 2)
    log.end(END)
    assert data(await read(subscription)) == [b"2"]


async def test_a_reader_that_came_before_the_run_was_opened_misses_nothing(log):
    subscription = await log.subscribe("r", None)
    log.open("r", resumable=False)
    publish(log, 1)
    log.end(END)
    assert data(await read(subscription)) == [b"1"]


async def test_a_place_whose_successors_are_no_longer_kept_is_told_as_a_gap(open_log):
    log = await open_log(limit=3)
    log.open("r", resumable=True)
    publish(log, *range(5))
    subscription = await log.subscribe("r", BEGINNING)
    assert data(await read(subscription, 4)) == [GAP, b"2", b"3", b"4"]


async def test_a_place_right_before_the_oldest_kept_event_is_not_lost(open_log):
    log = await open_log(limit=3)
    log.open("r", resumable=True)
    publish(log, 0, 1)
    last = (await read(await log.subscribe("r", BEGINNING), 2))[-1].id
    publish(log, 2, 3, 4)
    subscription = await log.subscribe("r", last)
    assert data(await read(subscription, 3)) == [b"2", b"3", b"4"]


async def test_a_slow_reader_is_dropped_and_the_others_go_on(open_log):
    log = await open_log(limit=3)
    log.open("r", resumable=False)
    slow, quick = await log.subscribe("r", None), await log.subscribe("r", None)
    seen = []
    for number in range(10):
        publish(log, number)
        seen += data(await read(quick, 1))
    assert seen == [b"%d" % n for n in range(10)]
    assert await read(slow) == []
    assert (slow.dropped, quick.dropped) == (True, False)


async def test_a_dropped_reader_never_reports_an_end(open_log):
    log = await open_log(limit=1)
    subscription = await log.subscribe("r", None)
    publish(log, *range(10))
    log.end(END)
    assert await read(subscription) == []
    assert (subscription.dropped, subscription.end) == (True, None)


async def test_a_resumable_stream_is_replayed_whole_to_a_reader_who_asks_for_it(open_log):
    log = await open_log(limit=3)
    log.open("r", resumable=True)
    publish(log, 1, 2, 3)
    log.end(END)
    subscription = await log.subscribe("r", BEGINNING)
    assert data(await read(subscription)) == [b"1", b"2", b"3"]
    assert subscription.dropped is False


async def test_other_threads_publish_in_the_order_of_their_calls(log):
    subscription = await log.subscribe("r", None)
    await asyncio.to_thread(publish, log, *range(50))
    assert data(await read(subscription, 50)) == [b"%d" % n for n in range(50)]


async def test_what_was_published_before_the_end_is_read_before_the_end(log):
    subscription = await log.subscribe("r", None)
    await asyncio.to_thread(publish, log, 1)
    log.end(END)
    assert data(await read(subscription)) == [b"1"]
    assert subscription.end == END


async def test_what_is_published_after_the_end_is_dropped(log):
    log.open("r", resumable=True)
    subscription = await log.subscribe("r", None)
    log.end(END)
    publish(log, 1)
    await asyncio.sleep(0)
    assert await read(subscription) == []
    assert await read(await log.subscribe("r", BEGINNING)) == []


async def test_the_end_wakes_a_waiting_reader(log):
    subscription = await log.subscribe("r", None)
    reading = asyncio.create_task(read(subscription))
    await asyncio.sleep(0)
    log.end(END)
    assert await reading == []
    assert subscription.end == END


async def test_the_end_wakes_everybody_who_waits_for_it(log):
    waiting = [log.ended("r") for _ in range(3)]
    log.end(END)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == [END] * 3


async def test_a_waiter_who_gives_up_disturbs_nobody(log):
    leaving, staying = (log.ended("r") for _ in range(2))
    leaving.cancel()
    log.end(END)
    async with asyncio.timeout(5):
        assert await staying == END


async def test_an_end_is_heard_from_the_call_on_also_before_the_run_is_opened(log):
    waiting = log.ended("r")
    log.open("r", resumable=False)
    log.end(END)
    async with asyncio.timeout(5):
        assert await waiting == END


async def test_the_first_end_of_a_run_counts(log):
    log.open("r", resumable=True)
    subscription = await log.subscribe("r", None)
    log.end(END)
    log.end(RunEnd("r", "error", b"{}"))
    assert await read(subscription) == []
    assert subscription.end == END


async def test_a_late_reader_of_an_ended_resumable_stream_gets_the_rest_and_the_end(log):
    log.open("r", resumable=True)
    publish(log, 1, 2)
    log.end(END)
    subscription = await log.subscribe("r", BEGINNING)
    assert data(await read(subscription)) == [b"1", b"2"]
    assert subscription.end == END


async def test_a_late_waiter_of_an_ended_resumable_stream_is_answered_at_once(log):
    log.open("r", resumable=True)
    log.end(END)
    async with asyncio.timeout(5):
        assert await log.ended("r") == END


async def test_a_reader_hears_a_heartbeat_while_nothing_happens(log):
    async with asyncio.timeout(5):
        subscription = await log.subscribe("r", None)
        async for event in subscription.events(0.001):
            assert event is None
            break


async def test_a_closed_reader_ends_and_may_be_closed_again(log):
    subscription = await log.subscribe("r", None)
    subscription.close()
    subscription.close()
    publish(log, 1)
    assert await read(subscription) == []


async def becomes(log, wanted):
    """Publish until events are `wanted`, or no more."""
    async with asyncio.timeout(5):
        while log.wants("r") is not wanted:
            publish(log, 1)
            await asyncio.sleep(0.001)


async def test_an_event_is_wanted_while_somebody_reads(log):
    log.open("r", resumable=False)
    await becomes(log, False)
    subscription = await log.subscribe("r", None)
    await becomes(log, True)
    subscription.close()
    await becomes(log, False)


async def test_an_event_of_a_resumable_run_is_always_wanted(log):
    log.open("r", resumable=True)
    publish(log, 1)
    await read(await log.subscribe("r", BEGINNING), 1)
    assert log.wants("r") is True


async def test_a_run_opened_after_its_reader_came_is_read_whole(log):
    subscription = await log.subscribe("r", None)
    log.open("r", resumable=False)
    for number in range(20):
        if log.wants("r"):
            publish(log, number)
        await asyncio.sleep(0.001)
    log.end(END)
    assert data(await read(subscription)) == [b"%d" % n for n in range(20)]


async def test_a_finished_reader_gets_what_there_is_and_no_end(log):
    log.open("r", resumable=True)
    publish(log, 1)
    subscription = await log.subscribe("r", BEGINNING)
    subscription.finish()
    assert data(await read(subscription)) == [b"1"]
    assert subscription.end is None


async def test_a_stopping_server_lets_a_waiting_reader_go_without_an_end(log):
    subscription = await log.subscribe("r", None)
    reading = asyncio.create_task(read(subscription))
    await asyncio.sleep(0)
    log.abandon()
    assert await reading == []
    assert (subscription.abandoned, subscription.end) == (True, None)


async def test_a_reader_is_given_what_there_is_before_the_server_lets_it_go(log):
    log.open("r", resumable=True)
    publish(log, 1)
    subscription = await log.subscribe("r", BEGINNING)
    log.abandon()
    assert data(await read(subscription)) == [b"1"]
    assert (subscription.abandoned, subscription.end) == (True, None)


async def test_a_stopping_server_tells_waiters_to_ask_again(log):
    waiting = log.ended("r")
    log.abandon()
    with pytest.raises(Unavailable):
        await waiting


async def test_a_waiter_who_comes_while_the_server_stops_is_told_too(log):
    log.abandon()
    with pytest.raises(Unavailable):
        async with asyncio.timeout(1):
            await log.ended("r")


async def test_a_reader_who_comes_while_the_server_stops_is_let_go(log):
    log.abandon()
    subscription = await log.subscribe("r", None)
    async with asyncio.timeout(1):
        assert [event async for event in subscription.events(HEARTBEAT)] == []
    assert subscription.abandoned is True
