"""Threads whose time to live is over: exactly those go, and none with a run in flight."""

import operator
from functools import partial, reduce

import pytest

from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import Ttl, TtlStrategy
from outrigger_server.stores import threads
from outrigger_server.stores.thread_expiry import sweep_threads


async def make(desk, name, minutes=1.0, strategy=TtlStrategy.DELETE):
    ttl = Ttl(minutes, strategy) if minutes is not None else None
    job = partial(threads.create_thread, thread_id=name, metadata={}, now=desk.clock.now(), ttl=ttl)
    await desk.database.write(job)


async def sweep(desk, limit=100):
    return await desk.database.write(partial(sweep_threads, now=desk.clock.now(), limit=limit))


async def left(desk):
    return sorted(row[0] for row in await desk.all("SELECT thread_id FROM threads"))


async def test_a_thread_goes_once_its_time_is_over_and_not_before(desk, clock):
    await make(desk, "t")
    clock.turn(59.9)
    assert (await sweep(desk)).count == 0
    clock.turn(0.1)
    assert (await sweep(desk)).deleted == ["t"]
    assert await left(desk) == []


async def test_exactly_the_expired_threads_go(desk, clock):
    for name, minutes in (("short", 1), ("long", 100), ("for ever", None), ("other", 2)):
        await make(desk, name, minutes)
    clock.turn(180)
    assert sorted((await sweep(desk)).deleted) == ["other", "short"]
    assert await left(desk) == ["for ever", "long"]


async def test_a_sweep_takes_no_more_than_its_limit_the_longest_expired_first(desk, clock):
    for n in range(5):
        await make(desk, f"t{n}", 5 - n)
    clock.turn(600)
    assert (await sweep(desk, 2)).deleted == ["t4", "t3"]
    assert (await sweep(desk, 2)).deleted == ["t2", "t1"]
    assert (await sweep(desk, 2)).deleted == ["t0"]


@pytest.mark.parametrize("state", ["pending", "running", "later", "held"])
async def test_a_thread_that_is_not_at_rest_waits(desk, clock, state):
    await make(desk, "t")
    if state == "held":
        await desk.database.write(partial(threads.hold_thread, thread_id="t", token="x"))
    else:
        await desk.create("r", after_seconds=600 if state == "later" else 0)
    run = await desk.claimed() if state == "running" else None
    clock.turn(61)
    assert (await sweep(desk)).count == 0
    assert await left(desk) == ["t"]
    if run is not None:
        await desk.finish(run)
        assert (await sweep(desk)).deleted == ["t"]


async def test_threads_that_wait_keep_no_others_waiting(desk, clock):
    for n in range(3):
        await make(desk, f"busy{n}", 1)
        await desk.create(f"r{n}", thread=f"busy{n}")
    await make(desk, "idle", 2)
    clock.turn(180)
    assert (await sweep(desk, 1)).deleted == ["idle"]


async def test_a_new_time_to_live_counts_from_when_it_is_given(desk, clock):
    await make(desk, "t")
    clock.turn(50)
    job = partial(threads.patch_thread, thread_id="t", metadata={}, now=clock.now(), ttl=Ttl(1))
    thread = await desk.database.write(job)
    assert thread.expires_at == clock.now() + 60_000_000
    clock.turn(30)
    assert (await sweep(desk)).count == 0
    clock.turn(30)
    assert (await sweep(desk)).deleted == ["t"]


async def test_a_pruned_thread_stays_and_its_time_begins_again(desk, clock):
    await make(desk, "t", 1, TtlStrategy.KEEP_LATEST)
    clock.turn(61)
    assert (await sweep(desk)).pruned == ["t"]
    assert (await sweep(desk)).count == 0
    assert (await desk.read_thread()).expires_at == clock.now() + 60_000_000
    clock.turn(60)
    assert (await sweep(desk)).pruned == ["t"]


async def test_a_thread_made_for_a_run_has_the_time_to_live_it_is_given(desk, clock):
    job = partial(threads.ensure_thread, thread_id=ThreadId("t"), now=clock.now(), ttl=Ttl(2))
    await desk.database.write(job)
    assert (await desk.read_thread()).ttl == Ttl(2)


async def test_two_processes_sweep_every_thread_once(here, there, clock):
    for n in range(20):
        await make(here, f"t{n:02}")
    clock.turn(61)
    swept = []
    while not swept or swept[-1]:
        each = [
            here.database.begin_write(partial(sweep_threads, now=clock.now(), limit=3)),
            there.database.begin_write(partial(sweep_threads, now=clock.now(), limit=3)),
        ]
        swept.append(reduce(operator.iadd, [list((await one).deleted) for one in each], []))
    assert sorted(reduce(operator.iadd, swept, [])) == [f"t{n:02}" for n in range(20)]
    assert await left(here) == []
