"""Redis goes away and comes back: nothing is lost unsaid, nothing stays broken."""

import asyncio
import time

import pytest

from outrigger_server.brokers.base import RunEnd
from outrigger_server.brokers.redis.link import open_client
from outrigger_server.brokers.redis.outbox import Outbox
from outrigger_server.domain.event import EventId, Gap
from outrigger_server.domain.run import CancelAction
from outrigger_server.errors import ConfigurationError

BEGINNING = EventId.parse("-1")
END = RunEnd("r", "success", b'{"answer":1}', superseded_by="s", error={"error": "E"})


def publish(broker, *numbers, run_id="r"):
    for number in numbers:
        broker.events.publish(run_id, "values", b"%d" % number)


async def read(subscription, count=None):
    """What the next `count` events and gaps say, or all of them up to the end."""
    said = []
    async with asyncio.timeout(15):
        async for event in subscription.events(30.0):
            if event is not None:
                said.append("gap" if event == Gap() else int(event.data))
            if len(said) == count:
                break
    return said


async def until(condition):
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.01)


async def test_events_published_while_redis_is_away_are_read_when_it_is_back(
    redis, worker, api, lost
):
    worker.events.open("r", resumable=True)
    redis.stop()
    publish(worker, *range(50))
    redis.start()
    worker.events.end(END)
    subscription = await api.events.subscribe("r", BEGINNING)
    assert [said for said in await read(subscription) if said != "gap"] == list(range(50))
    assert (subscription.end, lost) == (END, [])


async def test_a_live_reader_goes_on_behind_a_gap_when_redis_restarts_empty(redis, worker, api):
    worker.events.open("r", resumable=False)
    subscription = await api.events.subscribe("r", None)
    publish(worker, 1, 2)
    assert await read(subscription, 2) == [1, 2]
    redis.kill()
    publish(worker, 3, 4)
    redis.start()
    assert await read(subscription, 3) == ["gap", 3, 4]
    publish(worker, 5)
    worker.events.end(END)
    assert await read(subscription) == [5]
    assert subscription.end == END


async def test_ids_go_on_increasing_when_redis_restarts_empty(redis, worker, api):
    worker.events.open("r", resumable=True)
    publish(worker, 1, 2, 3)
    await worker.events.flushed(5)
    ids = [e.id async for e in finished(await api.events.subscribe("r", BEGINNING)) if e]
    redis.kill()
    redis.start()
    publish(worker, 4)
    await worker.events.flushed(10)
    subscription = await api.events.subscribe("r", ids[-1])
    later = [e async for e in finished(subscription) if e is not None]
    assert later[0] == Gap()
    assert later[1].id > ids[-1]


def finished(subscription):
    subscription.finish()
    return subscription.events(30.0)


async def test_connections_cut_by_redis_lose_nothing(redis, worker, api, lost):
    worker.events.open("r", resumable=False)
    subscription = await api.events.subscribe("r", None)
    reading = asyncio.create_task(read(subscription))
    for number in range(60):
        publish(worker, number)
        if number % 20 == 10:
            redis.cut_connections()
        await asyncio.sleep(0.005)
    worker.events.end(END)
    assert await reading == list(range(60))
    assert lost == []


async def test_a_redis_that_hangs_holds_up_no_publisher_and_loses_nothing(redis, worker, api):
    worker.events.open("r", resumable=True)
    publish(worker, 0)
    await worker.events.flushed(5)
    redis.freeze()
    try:
        started = time.monotonic()
        publish(worker, *range(1, 100))
        took = time.monotonic() - started
        waiting = worker.wakeups.wait(0.05)
        async with asyncio.timeout(2):
            await waiting
    finally:
        redis.thaw()
    worker.events.end(END)
    subscription = await api.events.subscribe("r", BEGINNING)
    assert [said for said in await read(subscription) if said != "gap"] == list(range(100))
    assert took < 1.0


async def test_what_does_not_fit_while_redis_is_away_is_counted_and_told_in_its_place(
    redis, worker, api, lost
):
    worker.events._outbox._room = 3
    worker.events.open("r", resumable=False)
    subscription = await api.events.subscribe("r", None)
    publish(worker, 0)
    assert await read(subscription, 1) == [0]
    redis.stop()
    await until(lambda: not redis.running)
    publish(worker, *range(1, 10))
    redis.start()
    worker.events.end(END)
    said = await read(subscription)
    assert said == ["gap", *said[1:]]
    assert said[-3:] == [7, 8, 9]
    assert sum(lost) == 9 - (len(said) - 1)
    assert subscription.end == END


async def test_a_waiter_hears_of_an_end_that_came_while_redis_was_away(redis, worker, api):
    waiting = api.events.ended("r")
    redis.stop()
    worker.events.end(END)
    redis.start()
    async with asyncio.timeout(10):
        assert await waiting == END


async def test_a_reader_who_comes_while_redis_is_away_begins_behind_a_gap(redis, worker, api):
    redis.stop()
    await asyncio.sleep(0.05)
    subscription = await api.events.subscribe("r", None)
    reading = asyncio.create_task(read(subscription, 2))
    redis.start()
    await until(lambda: subscription._place.at is not None)
    publish(worker, 1)
    assert await reading == ["gap", 1]
    subscription.close()


async def test_a_reader_of_an_ended_run_is_told_that_its_events_cannot_be_read(redis, worker, api):
    worker.events.open("r", resumable=True)
    publish(worker, 1, 2)
    worker.events.end(END)
    await worker.events.flushed(5)
    subscription = await api.events.subscribe("r", BEGINNING)
    assert subscription.end == END  # known, and nothing of the events yet
    redis.stop()
    assert await read(subscription) == ["gap"]


async def test_a_reader_that_is_to_finish_while_redis_is_away_is_told_so(redis, worker, api):
    worker.events.open("r", resumable=True)
    publish(worker, 1, 2)
    await worker.events.flushed(5)
    subscription = await api.events.subscribe("r", BEGINNING)
    redis.stop()
    subscription.finish()
    assert await read(subscription) == ["gap"]


async def test_a_reader_hears_heartbeats_while_redis_is_away(redis, api):
    subscription = await api.events.subscribe("r", None)
    redis.stop()
    beats = 0
    async with asyncio.timeout(5):
        async for event in subscription.events(0.02):
            assert event is None
            beats += 1
            if beats == 20:
                break
    subscription.close()


async def test_a_worker_learns_anew_who_reads_after_it_lost_its_connections(redis, worker, api):
    worker.events.open("r", resumable=False)
    publish(worker, 1)
    await until(lambda: not worker.events.wants("r"))
    redis.kill()
    redis.start()
    subscription = await api.events.subscribe("r", None)
    await until(lambda: worker.events.wants("r"))
    subscription.close()


async def test_wake_ups_and_cancels_work_again_when_redis_is_back(redis, worker, api):
    heard = []
    worker.cancels.listen("r", heard.append)
    redis.kill()
    redis.start()

    def arrived():
        api.cancels.send("r", CancelAction.INTERRUPT)
        return bool(heard)

    await until(arrived)
    await worker.wakeups.wait(0.01)  # told when Redis came back
    api.wakeups.notify()
    started = time.monotonic()
    await worker.wakeups.wait(10)
    assert time.monotonic() - started < 5


async def test_a_waiting_worker_wakes_when_redis_is_back(redis, worker):
    while await timed(worker.wakeups.wait(0.05)) < 0.05:
        pass
    redis.kill()
    redis.start()
    assert await timed(worker.wakeups.wait(30)) < 10


async def timed(waiting):
    started = time.monotonic()
    await waiting
    return time.monotonic() - started


async def test_a_broker_opens_and_closes_while_redis_is_away(redis, open_broker):
    redis.stop()
    broker = await open_broker()
    broker.events.publish("r", "values", b"1")
    redis.start()
    await broker.events.flushed(10)
    assert not broker.events._outbox.holds(None)


async def test_a_script_that_redis_forgot_is_loaded_again(redis, worker, api):
    worker.events.open("r", resumable=True)
    publish(worker, 1)
    await worker.events.flushed(5)
    redis.say("SCRIPT", "FLUSH")
    publish(worker, 2)
    worker.events.end(END)
    assert await read(await api.events.subscribe("r", BEGINNING)) == [1, 2]


async def test_a_batch_that_is_sent_again_counts_once(worker, api):
    writer = worker.events._writer
    worker.events.open("r", resumable=True)
    box = Outbox(100, lambda: None, lambda _: None)
    box.open("r", kept=True)
    for number in (1, 2):
        box.publish("r", "values", b"%d" % number)
    box.end(END)
    parcels = box.take()
    answers = [await writer._send(parcels) for _ in range(3)]
    assert [answer[0][0] for answer in answers] == [2, 2, 2]
    assert await read(await api.events.subscribe("r", BEGINNING)) == [1, 2]


async def test_a_run_whose_key_is_of_another_kind_is_given_up_and_the_others_go_on(
    redis, worker, api, lost
):
    redis.say("SET", "outrigger:{bad}:state", "x")
    publish(worker, 1, 2, run_id="bad")
    publish(worker, 1)
    worker.events.open("r", resumable=True)
    publish(worker, 2)
    await worker.events.flushed(10)
    assert sum(lost) == 2
    publish(worker, 3)
    worker.events.end(END)
    assert await read(await api.events.subscribe("r", BEGINNING)) == [1, 2, 3]


async def test_what_redis_holds_of_a_run_goes_by_itself(redis, open_broker):
    broker = await open_broker(keep_seconds=100)
    for run_id, resumable in (("kept", True), ("live", False)):
        broker.events.open(run_id, resumable=resumable)
        publish(broker, 1, run_id=run_id)
    await broker.events.flushed(5)
    for kind in ("state", "events"):
        assert 86_000 < redis.say("TTL", f"outrigger:{{kept}}:{kind}") <= 86_400
    for run_id in ("kept", "live"):
        broker.events.end(RunEnd(run_id, "success", b"{}"))
    await broker.events.flushed(5)
    for kind in ("state", "events"):
        assert 90 < redis.say("TTL", f"outrigger:{{kept}}:{kind}") <= 100
        assert 0 <= redis.say("TTL", f"outrigger:{{live}}:{kind}") <= 10


async def test_an_address_that_is_none_of_redis_stops_the_start():
    with pytest.raises(ConfigurationError):
        open_client("postgres://localhost")
