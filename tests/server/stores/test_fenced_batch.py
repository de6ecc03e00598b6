"""Writes of an attempt that wait together go to the database as one job."""

import asyncio
from functools import partial

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from outrigger_server.errors import FencedWrite, WritesLost
from outrigger_server.stores import claims
from outrigger_server.stores.checkpoint_rows import TaskWrites
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.fenced_batch import BATCH_LIMIT, FencedBatch

NOTHING = TaskWrites((), replace=False)
ROOT = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


@pytest.fixture
async def run(desk):
    await desk.thread()
    return await desk.running("r")


@pytest.fixture
def saver(database, run, observer):
    return FencedSaver(database, RunFence(run.token), observer, durable=False)


async def hold(gate, database):
    """Keep the writer busy; return what is done once the gate is opened."""
    held = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.entered.wait)
    return held


async def save(saver, numbers):
    place = ROOT
    for number in numbers:
        checkpoint = {**empty_checkpoint(), "id": f"{number:08}"}
        place = await saver.aput(place, checkpoint, {"step": number}, {})
    return place


async def test_writes_that_wait_together_are_one_job(database, saver, gate):
    held = await hold(gate, database)
    place = await save(saver, range(5))
    await saver.aput_writes(place, [("a", 1)], "task")
    assert database.writer.waiting == 1
    gate.open()
    await held
    await saver.settle()
    assert (await saver.aget_tuple(ROOT)).pending_writes == [("task", "a", 1)]


async def test_a_batch_takes_no_more_than_its_limit(database, saver, gate):
    held = await hold(gate, database)
    await save(saver, range(BATCH_LIMIT + 1))
    assert database.writer.waiting == 2
    gate.open()
    await held
    await saver.settle()


async def test_each_refused_write_of_a_batch_is_counted(desk, database, saver, gate, run, observer):
    held = await hold(gate, database)
    fencing = database.begin_write(partial(claims.close_fence, token=run.token))
    await save(saver, range(3))
    gate.open()
    await asyncio.gather(held, fencing)
    with pytest.raises(FencedWrite):
        await saver.settle()
    assert observer.refused == {"checkpoint": 3}
    assert await saver.aget_tuple(ROOT) is None


async def test_a_batch_that_has_begun_takes_in_nothing_more(database, run):
    batch = FencedBatch(RunFence(run.token))
    assert batch.add(NOTHING)
    await database.write(batch)
    assert not batch.add(NOTHING)
    assert batch.size == 1


async def test_a_blocking_write_comes_before_what_is_handed_over_after_it(database, saver, gate):
    held = await hold(gate, database)
    await save(saver, [1])
    checkpoint = {**empty_checkpoint(), "id": f"{2:08}"}
    blocking = asyncio.create_task(asyncio.to_thread(saver.put, ROOT, checkpoint, {"step": 2}, {}))
    while database.writer.waiting < 2:
        await asyncio.sleep(0)
    writing = saver._hand_over(NOTHING)
    assert saver._batch.size == 1
    assert database.writer.waiting == 3
    gate.open()
    await asyncio.gather(held, blocking, writing)
    await saver.settle()


async def test_an_end_that_requires_the_writes_is_stored_with_them(database, saver, gate):
    held = await hold(gate, database)
    await save(saver, range(3))
    ending = asyncio.create_task(database.write(saver.require_written))
    gate.open()
    await asyncio.gather(held, ending)
    assert (await saver.aget_tuple(ROOT)).checkpoint["id"] == f"{2:08}"


async def test_an_end_that_requires_writes_that_were_refused_is_refused(
    desk, database, saver, gate, run
):
    held = await hold(gate, database)
    fencing = database.begin_write(partial(claims.close_fence, token=run.token))
    await save(saver, range(3))
    ending = asyncio.create_task(database.write(saver.require_written))
    gate.open()
    await asyncio.gather(held, fencing)
    with pytest.raises(WritesLost) as lost:
        await ending
    assert isinstance(lost.value.cause, FencedWrite)
    with pytest.raises(WritesLost):
        await database.write(saver.require_written)  # for good
