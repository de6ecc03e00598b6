"""Threads made for one run: gone with all they hold once it has ended, never before."""

from functools import partial

import pytest

from outrigger_server.stores.saver_tables import tables_of
from outrigger_server.stores.temporary_threads import (
    delete_left_threads,
    delete_temporary_threads,
    make_temporary_thread,
)
from outrigger_server.stores.thread_copies import copy_thread
from outrigger_server.stores.threads import create_thread

SECOND = 1_000_000


@pytest.fixture
def temporary(desk, clock):
    async def temporary(name):
        job = partial(make_temporary_thread, thread_id=name, now=clock.now())
        await desk.database.write(job)

    return temporary


async def delete(desk, *names):
    return list(await desk.database.write(partial(delete_temporary_threads, thread_ids=names)))


async def sweep(desk, before, limit=10):
    left = await desk.database.write(partial(delete_left_threads, before=before, limit=limit))
    return list(left.deleted)


async def threads(desk):
    return sorted(name for (name,) in await desk.all("SELECT thread_id FROM threads"))


async def test_it_goes_with_its_runs_and_checkpoints_when_the_run_has_ended(desk, temporary):
    await temporary("t")
    await desk.finish(await desk.running("r"))
    await desk.execute(
        "INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, type, checkpoint, "
        "metadata) VALUES ('t', '', 'c', 'json', '{}', '{}')"
    )
    assert await delete(desk, "t") == ["t"]
    left = await desk.dump()
    assert [name for name, rows in left.items() if rows and name != "alembic_version"] == []
    assert left.keys() == set(tables_of(await dialect(desk)).tables)


async def dialect(desk):
    return await desk.database.read(lambda connection: connection.dialect.name)


async def test_it_stays_while_a_run_is_in_flight(desk, temporary, clock):
    await temporary("t")
    run = await desk.running("r")
    clock.turn(100)
    assert await delete(desk, "t") == []
    assert await sweep(desk, clock.now()) == []
    await desk.finish(run)
    await desk.create("s")
    assert await delete(desk, "t") == []
    assert await threads(desk) == ["t"]


async def test_other_threads_are_never_removed(desk, clock):
    await desk.thread()
    await desk.finish(await desk.running("r"))
    clock.turn(100)
    assert await delete(desk, "t") == []
    assert await sweep(desk, clock.now()) == []
    assert await threads(desk) == ["t"]


async def test_a_sweep_finds_what_was_left_but_not_what_ended_just_now(desk, temporary, clock):
    await temporary("t")
    await desk.finish(await desk.running("r"))
    assert await sweep(desk, clock.now() - SECOND) == []
    clock.turn(2)
    assert await sweep(desk, clock.now() - SECOND) == ["t"]
    assert await threads(desk) == []


async def test_a_sweep_finds_the_thread_of_a_run_that_was_rolled_back(desk, temporary, clock):
    await temporary("t")
    await desk.roll_back(await desk.running("r"))
    clock.turn(2)
    assert await sweep(desk, clock.now()) == ["t"]


async def test_a_sweep_removes_no_more_than_it_may_the_oldest_first(desk, temporary, clock):
    for name in ("a", "b", "c"):
        await temporary(name)
        clock.turn(1)
    assert await sweep(desk, clock.now(), limit=2) == ["a", "b"]
    assert await threads(desk) == ["c"]
    assert await sweep(desk, clock.now(), limit=2) == ["c"]


async def test_a_copy_of_it_stays(desk, temporary, clock):
    await temporary("t")
    job = partial(copy_thread, source="t", copy="copy", now=clock.now())
    await desk.database.write(job)
    assert await delete(desk, "t", "copy") == ["t"]
    clock.turn(100)
    assert await sweep(desk, clock.now()) == []
    assert await threads(desk) == ["copy"]


async def test_what_is_gone_already_is_nobodys_fault(desk, temporary, clock):
    await temporary("t")
    assert await delete(desk, "t") == ["t"]
    assert await delete(desk, "t") == []
    job = partial(create_thread, thread_id="t", metadata={}, now=clock.now())
    await desk.database.write(job)
    assert await delete(desk, "t") == []
