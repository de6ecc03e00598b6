"""Waiting for runs: no end is missed, whenever it comes."""

import asyncio

import pytest

from outrigger_server.brokers.base import RunEnd
from outrigger_server.brokers.in_process import InProcessEventLog
from outrigger_server.domain.event import EventId, Gap
from outrigger_server.errors import NotFound, StoreUnavailable, Unavailable
from outrigger_server.runs.ends import NOT_FOUND
from outrigger_server.runs.watch import RunWatcher

END = RunEnd("r", "success", b'{"n":1}')
BEGINNING = EventId.parse("-1")


@pytest.fixture
async def log(clock):
    return InProcessEventLog(clock, limit=10, keep_seconds=60.0)


@pytest.fixture
async def watcher(desk, log):
    await desk.thread()
    return RunWatcher(desk.database, log)


class EndsAfterEachRead:
    """A database whose answers come late: the run has ended since."""

    def __init__(self, database, end):
        self._database = database
        self._end = end

    async def read(self, job):
        result = await self._database.read(job)
        await self._end()
        return result


async def soon(awaitable):
    async with asyncio.timeout(3):
        return await awaitable


async def test_a_run_that_has_ended_is_answered_from_its_row(desk, watcher):
    await desk.finish(await desk.running("r"))
    assert (await soon(watcher.ended("t", "r"))).status == "success"


async def test_a_run_that_is_not_there_is_not_found(watcher):
    assert (await soon(watcher.ended("t", "nobody"))).status == NOT_FOUND


async def test_a_waiter_gets_the_end_that_comes_while_it_waits(desk, watcher, log):
    await desk.running("r")
    log.open("r", resumable=False)
    waiting = asyncio.create_task(watcher.ended("t", "r"))
    await desk.find("r")
    log.end(END)
    assert await soon(waiting) == END


async def test_a_run_that_ends_between_the_look_at_its_row_and_the_wait_is_not_missed(desk, log):
    await desk.thread()
    run = await desk.running("r")
    log.open("r", resumable=False)

    async def end():
        if await desk.status("r") == "running":
            await desk.finish(run)
            log.end(END)

    watcher = RunWatcher(EndsAfterEachRead(desk.database, end), log)
    assert (await soon(watcher.ended("t", "r"))).status == "success"


async def test_a_stopping_server_sends_waiters_away(desk, watcher, log):
    await desk.running("r")
    waiting = asyncio.create_task(watcher.ended("t", "r"))
    await desk.find("r")
    log.abandon()
    with pytest.raises(Unavailable):
        await soon(waiting)


async def test_waiting_leaves_no_stream_behind(desk, watcher, log):
    await desk.finish(await desk.running("r"))
    await soon(watcher.ended("t", "r"))
    await soon(watcher.ended("t", "nobody"))
    assert log._streams == {}


async def test_a_run_is_followed_from_a_place_to_its_end(desk, watcher, log):
    await desk.running("r")
    log.open("r", resumable=True)
    log.publish("r", "values", b"1")
    _, subscription = await watcher.follow("t", "r", BEGINNING)
    log.end(END)
    assert [event.data async for event in subscription.events(30.0)] == [b"1"]
    assert subscription.end == END


async def test_a_stream_ends_though_the_message_of_the_end_was_lost(desk, watcher, log):
    run = await desk.running("r")
    stream = watcher.watched(run, await log.subscribe("r", None))
    stream._looked = float("-inf")
    await desk.finish(run)
    # Nobody knows what else did not come.
    assert [event async for event in stream.events(0.001) if event is not None] == [Gap()]
    assert stream.end.status == "success"


class LosesTheEnd:
    """A stream whose broker came back without the end, and without some events."""

    def __init__(self, stream):
        self._stream = stream
        self.end, self.dropped, self.abandoned = None, False, False
        self.finished = asyncio.Event()

    async def events(self, heartbeat):
        yield Gap()
        while not self.finished.is_set():
            yield None

    def finish(self):
        self.finished.set()


async def test_a_stream_that_lost_events_asks_at_once_whether_the_run_has_ended(desk, watcher, log):
    run = await desk.running("r")
    await desk.finish(run)
    stream = watcher.watched(run, LosesTheEnd(await log.subscribe("r", None)))
    async with asyncio.timeout(3):
        heard = [event async for event in stream.events(30.0)]
    assert heard == [Gap(), None, Gap()]
    assert stream.end.status == "success"


async def test_who_reads_a_kept_stream_again_is_told_when_it_is_not_there_any_more(
    desk, watcher, log
):
    await desk.finish(await desk.running("r", kwargs={"resumable": True}))
    _, subscription = await watcher.follow("t", "r", BEGINNING)
    assert [event async for event in subscription.events(30.0)] == [Gap()]
    assert subscription.end.status == "success"
    _, now = await watcher.follow("t", "r", None)
    assert [event async for event in now.events(30.0)] == []
    assert log._streams == {}


async def test_a_kept_stream_that_is_there_to_its_end_lacks_nothing(desk, watcher, log):
    run = await desk.running("r", kwargs={"resumable": True})
    log.open("r", resumable=True)
    log.publish("r", "values", b"1")
    await desk.finish(run)
    log.end(END)
    _, subscription = await watcher.follow("t", "r", BEGINNING)
    assert [event.data async for event in subscription.events(30.0)] == [b"1"]
    assert subscription.end == END


async def test_a_run_that_never_started_has_no_events_to_lack(desk, watcher):
    await desk.create("r", kwargs={"resumable": True})
    await desk.cancel("r")
    _, subscription = await watcher.follow("t", "r", BEGINNING)
    assert [event async for event in subscription.events(30.0)] == []


class AwayAfterTheFirstRead:
    """A database that goes away once somebody waits."""

    def __init__(self, database):
        self._database = database
        self.refused = asyncio.Event()
        self.reads = 0

    async def read(self, job):
        self.reads += 1
        if self.reads > 1:
            self.refused.set()
            raise StoreUnavailable
        return await self._database.read(job)


async def test_who_waits_goes_on_waiting_while_the_database_is_away(desk, log):
    await desk.thread()
    await desk.running("r")
    log.open("r", resumable=False)
    database = AwayAfterTheFirstRead(desk.database)
    waiting = asyncio.create_task(RunWatcher(database, log, 0.001).ended("t", "r"))
    await soon(database.refused.wait())
    log.end(END)
    assert await soon(waiting) == END


async def test_following_a_run_that_is_not_there_is_refused_and_leaves_nothing(watcher, log):
    with pytest.raises(NotFound):
        await watcher.follow("t", "nobody", None)
    assert log._streams == {}


async def test_following_a_run_that_ended_long_ago_ends_at_once(desk, watcher, log):
    await desk.finish(await desk.running("r"))
    _, subscription = await watcher.follow("t", "r", BEGINNING)
    assert [event async for event in subscription.events(30.0)] == []
    assert log._streams == {}
