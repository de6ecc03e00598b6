"""The broker of one process: what it keeps, and for how long."""

import asyncio
import threading

import pytest

from fakes.clock import TurnedClock
from outrigger_server.brokers.base import RunEnd
from outrigger_server.brokers.in_process import (
    EARLY_SIGNALS,
    InProcessCancelSignals,
    InProcessEventLog,
)
from outrigger_server.domain.event import EventId
from outrigger_server.domain.run import CancelAction

BEGINNING = EventId.parse("-1")
END = RunEnd("r", "success", b"{}")


@pytest.fixture
async def log():
    return InProcessEventLog(TurnedClock(), limit=10, keep_seconds=0.0)


async def test_an_ended_stream_that_is_not_resumable_is_let_go_at_once(log):
    log.open("r", resumable=False)
    log.end(END)
    assert log._streams == {}


async def test_an_ended_resumable_stream_is_let_go_after_its_time(log):
    log.open("r", resumable=True)
    log.end(END)
    assert "r" in log._streams
    while log._streams:
        await asyncio.sleep(0)


async def test_a_reader_keeps_its_stream_beyond_that_time(log):
    log.open("r", resumable=True)
    log.publish("r", "values", b"1")
    subscription = await log.subscribe("r", BEGINNING)
    log.end(END)
    while log._streams:
        await asyncio.sleep(0)
    assert [event.data async for event in subscription.events(30.0)] == [b"1"]
    assert subscription.end == END


async def test_events_of_a_run_nobody_opened_are_not_kept(log):
    log.publish("nobody", "values", b"1")
    await asyncio.sleep(0)
    assert log._streams == {}


async def test_a_stream_nobody_reads_is_forgotten_on_request(log):
    log.open("r", resumable=False)
    log.forget("r")
    assert log._streams == {}


async def test_a_stream_whose_only_waiter_gave_up_is_forgotten_on_request(log):
    log.ended("r").cancel()
    log.forget("r")
    assert log._streams == {}


@pytest.mark.parametrize("reason", ["reader", "waiter", "resumable"])
async def test_a_stream_that_somebody_needs_is_not_forgotten(log, reason):
    log.open("r", resumable=reason == "resumable")
    waiting = None
    if reason == "reader":
        await log.subscribe("r", None)
    if reason == "waiter":
        waiting = log.ended("r")
    log.forget("r")
    assert "r" in log._streams
    log.end(END)
    if waiting is not None:
        assert await waiting == END


async def test_many_threads_publish_without_losing_an_event(log):
    log = InProcessEventLog(TurnedClock(), limit=10_000, keep_seconds=0.0)
    subscription = await log.subscribe("r", None)

    def publish(name):
        for number in range(200):
            log.publish("r", name, b"%d" % number)

    threads = [threading.Thread(target=publish, args=(f"thread-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.to_thread(lambda: [thread.join() for thread in threads])
    log.end(END)
    events = [event async for event in subscription.events(30.0)]
    assert [event.id for event in events] == sorted({event.id for event in events})
    for name in {event.name for event in events}:
        own = [int(event.data) for event in events if event.name == name]
        assert own == list(range(200))


async def test_publishing_after_the_servers_loop_is_gone_is_harmless():
    logs = []

    def open_and_leave():
        async def make():
            logs.append(InProcessEventLog(TurnedClock(), limit=1, keep_seconds=0.0))

        asyncio.run(make())

    await asyncio.to_thread(open_and_leave)
    logs[0].publish("r", "values", b"1")


async def test_only_so_many_early_signals_are_kept_the_newest():
    signals = InProcessCancelSignals()
    for number in range(EARLY_SIGNALS + 1):
        signals.send(f"r{number}", CancelAction.INTERRUPT)
    heard = []
    for number in (0, 1, EARLY_SIGNALS):
        signals.listen(f"r{number}", lambda action, number=number: heard.append(number))
    assert heard == [1, EARLY_SIGNALS]
