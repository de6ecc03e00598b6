"""Threads of stateless runs go soon after their run, and a sweep finds those that were left."""

import asyncio
from functools import partial

from outrigger_server.brokers.in_process import InProcessEventLog
from outrigger_server.domain.event import thread_stream
from outrigger_server.runs.temporary import BATCH, TemporaryThreads
from outrigger_server.stores.temporary_threads import make_temporary_thread

DEADLINE_SECONDS = 20.0
TEMPORARY = {"kwargs": {"temporary": True}}


def opened(desk, events=None, **periods):
    periods = {"keep_seconds": 0.0, "sweep_seconds": 3600.0, **periods}
    events = events or event_log(desk)
    return TemporaryThreads(desk.database, events, desk.clock, **periods)


def event_log(desk):
    return InProcessEventLog(desk.clock, limit=10, keep_seconds=60)


async def run_on_its_own(desk, name="t"):
    job = partial(make_temporary_thread, thread_id=name, now=desk.clock.now())
    await desk.database.write(job)
    return await desk.running(f"run-{name}", thread=name, **TEMPORARY)


async def threads(desk):
    return sorted(name for (name,) in await desk.all("SELECT thread_id FROM threads"))


async def until_left(desk, *names):
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await threads(desk) != sorted(names):
            await asyncio.sleep(0.005)


async def test_the_thread_goes_when_its_run_has_ended(desk):
    await desk.thread("other")
    async with opened(desk) as temporary:
        run = await run_on_its_own(desk)
        await desk.finish(run)
        temporary.ended(run)
        await until_left(desk, "other")


async def test_who_follows_the_thread_is_let_go(desk):
    events = event_log(desk)
    run = await run_on_its_own(desk)
    subscription = await events.subscribe(thread_stream(run.thread_id), None)
    async with opened(desk, events) as temporary, asyncio.timeout(DEADLINE_SECONDS):
        await desk.finish(run)
        temporary.ended(run)
        assert [event async for event in subscription.events(DEADLINE_SECONDS)] == []
    assert await threads(desk) == []


async def test_the_thread_of_another_run_stays(desk):
    await desk.thread("other")
    async with opened(desk) as temporary:
        ordinary = await desk.running("r", thread="other")
        await desk.finish(ordinary)
        run = await run_on_its_own(desk)
        await desk.finish(run)
        temporary.ended(ordinary)
        temporary.ended(run)
        await until_left(desk, "other")


async def test_more_than_a_batch_goes_in_several(desk):
    async with opened(desk) as temporary:
        ended = []
        for number in range(BATCH + 1):
            ended.append(await run_on_its_own(desk, f"t{number}"))
            await desk.finish(ended[-1])
        for run in ended:
            temporary.ended(run)
        await until_left(desk)


async def test_kept_threads_stay_for_their_time(desk):
    async with opened(desk, keep_seconds=3600.0) as temporary:
        run = await run_on_its_own(desk)
        await desk.finish(run)
        temporary.ended(run)
        desk.clock.turn(3599)
        await temporary.remove_left()
        assert await threads(desk) == ["t"]
        desk.clock.turn(2)
        await temporary.remove_left()
        assert await threads(desk) == []


async def test_what_a_lost_process_left_goes_at_the_next_start(desk):
    await desk.finish(await run_on_its_own(desk))
    waits = await run_on_its_own(desk, "running")
    desk.clock.turn(60)
    async with opened(desk):
        await until_left(desk, "running")
    assert await desk.status(waits.run_id) == "running"
