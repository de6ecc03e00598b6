"""The queue in numbers: how many wait and run, and since when."""

from functools import partial

from outrigger_server.stores.queue import QueueNumbers, queue_numbers
from outrigger_server.stores.run_pages import BEFORE_ALL, last_run, page_of_runs


async def numbers(desk):
    return await desk.database.read(partial(queue_numbers, now=desk.clock.now()))


async def test_an_empty_queue_waits_for_nothing(desk):
    assert await numbers(desk) == QueueNumbers(0, 0, None, None, None)


async def test_runs_are_counted_and_timed(desk, clock):
    started = clock.now()
    await desk.thread("a")
    await desk.thread("b")
    await desk.running("r", thread="a")
    for name in ("p", "q", "s"):
        clock.turn(1)
        await desk.create(name, thread="a")
    clock.turn(1)
    await desk.create("u", thread="b")
    await desk.create("later", thread="b", after_seconds=100.0)
    found = await numbers(desk)
    assert (found.pending, found.running) == (5, 1)
    assert (found.oldest - started, found.median - started) == (1_000_000, 2_000_000)
    assert found.oldest_unblocked - started == 4_000_000  # those of a wait behind r


async def pages(desk, status, limit):
    last = await desk.database.read(last_run)
    after, found = BEFORE_ALL, []
    while after is not None:
        job = partial(page_of_runs, status=status, after=after, last=last, limit=limit)
        page = await desk.database.read(job)
        found.append(page.runs)
        after = page.after
    return found


async def test_pages_of_runs_hold_every_run_once(desk, clock):
    for name in ("a", "b"):
        await desk.thread(name)
        for number in range(3):
            await desk.create(f"{name}{number}", thread=name)
    await desk.create("first", thread="a")
    await desk.claim(1)
    (running,) = await pages(desk, "running", 10)
    assert running == {"a": ["a0"]}
    found = await pages(desk, "pending", 2)
    assert len(found) == 4  # the last one is empty: the one before was full
    runs = [run for page in found for runs in page.values() for run in runs]
    assert sorted(runs) == ["a1", "a2", "b0", "b1", "b2", "first"]


async def test_pages_leave_out_what_came_after_the_first(desk):
    await desk.thread()
    await desk.create("r")
    last = await desk.database.read(last_run)
    await desk.create("s")
    job = partial(page_of_runs, status="pending", after=BEFORE_ALL, last=last, limit=10)
    assert (await desk.database.read(job)).runs == {"t": ["r"]}
