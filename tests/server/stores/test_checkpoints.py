"""The fenced saver: rows that langgraph reads, written only while the attempt holds its run."""

import asyncio
from functools import partial

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver

from outrigger_server.errors import FencedWrite, NotAllowed
from outrigger_server.stores import claims, threads
from outrigger_server.stores.checkpoints import FencedSaver, ReadingSaver
from outrigger_server.stores.dialect import POSTGRESQL
from outrigger_server.stores.fence import HoldFence, RunFence

ROOT = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


@pytest.fixture
async def run(desk):
    await desk.thread()
    return await desk.running("r")


@pytest.fixture
def saver(database, run, observer):
    return FencedSaver(database, RunFence(run.token), observer)


def checkpoint(number: int):
    return {**empty_checkpoint(), "id": f"{number:08}", "channel_values": {"n": number}}


async def save(saver, number, parent=ROOT):
    return await saver.aput(parent, checkpoint(number), {"step": number}, {})


async def fence(desk, run):
    await desk.database.write(partial(claims.close_fence, token=run.token))


async def test_a_checkpoint_is_read_back_as_it_was_put(saver):
    config = await save(saver, 1)
    found = await saver.aget_tuple(config)
    assert found.config == config
    assert found.checkpoint == checkpoint(1) | {"ts": found.checkpoint["ts"]}
    assert found.metadata == {"step": 1}
    assert (found.parent_config, found.pending_writes) == (None, [])


async def test_without_an_id_the_newest_checkpoint_is_read_with_its_parent(saver):
    first = await save(saver, 1)
    second = await save(saver, 2, first)
    found = await saver.aget_tuple(ROOT)
    assert (found.config, found.parent_config) == (second, first)


async def test_checkpoints_are_listed_newest_first(saver):
    config = ROOT
    for number in (1, 2, 3):
        config = await save(saver, number, config)
    listed = [each.checkpoint["channel_values"]["n"] async for each in saver.alist(ROOT, limit=2)]
    assert listed == [3, 2]


async def test_checkpoints_are_listed_before_one_and_by_metadata(saver):
    config = ROOT
    for number in (1, 2, 3):
        config = await save(saver, number, config)
    before = [each.metadata["step"] async for each in saver.alist(ROOT, before=config)]
    assert before == [2, 1]
    assert [each.metadata["step"] async for each in saver.alist(ROOT, filter={"step": 2})] == [2]


async def test_pending_writes_are_read_with_their_checkpoint(saver):
    config = await save(saver, 1)
    await saver.aput_writes(config, [("a", 1), ("b", [2])], "task")
    assert (await saver.aget_tuple(config)).pending_writes == [("task", "a", 1), ("task", "b", [2])]


async def test_a_task_that_writes_again_changes_nothing_it_wrote_before(saver):
    config = await save(saver, 1)
    await saver.aput_writes(config, [("a", 1)], "task")
    await saver.aput_writes(config, [("a", 2)], "task")
    assert (await saver.aget_tuple(config)).pending_writes == [("task", "a", 1)]


async def test_an_interrupt_replaces_the_one_before_it(saver):
    config = await save(saver, 1)
    await saver.aput_writes(config, [("__interrupt__", "first")], "task")
    await saver.aput_writes(config, [("__interrupt__", "second")], "task")
    found = await saver.aget_tuple(config)
    assert found.pending_writes == [("task", "__interrupt__", "second")]


async def test_plain_threads_use_the_saver_without_a_loop(saver):
    def use():
        config = saver.put(ROOT, checkpoint(1), {"step": 1}, {})
        saver.put_writes(config, [("a", 1)], "task")
        return saver.get_tuple(ROOT), list(saver.list(ROOT))

    found, listed = await asyncio.to_thread(use)
    assert found.pending_writes == [("task", "a", 1)]
    assert [each.config for each in listed] == [found.config]


async def test_langgraphs_own_saver_reads_the_rows(saver, database):
    config = await save(saver, 1)
    await saver.aput_writes(config, [("a", 1)], "task")

    def read(connection):
        driver = connection.connection.driver_connection
        if connection.dialect.name == POSTGRESQL:
            own = PostgresSaver(driver)
        else:
            own = SqliteSaver(driver)
            own.is_setup = True
        return own.get_tuple(ROOT), ReadingSaver(connection).get_tuple(ROOT)

    theirs, ours = await database.read(read)
    assert theirs == ours == await saver.aget_tuple(ROOT)


async def test_rows_say_which_attempt_wrote_them(saver, desk):
    config = await save(saver, 1)
    await saver.aput_writes(config, [("a", 1)], "task")
    assert await desk.all("SELECT run_id, attempt FROM checkpoints") == [("r", 1)]
    assert await desk.all("SELECT run_id, attempt FROM writes") == [("r", 1)]


async def test_a_written_checkpoint_is_told_with_its_size(saver, observer):
    await save(saver, 1)
    assert len(observer.sizes) == 1
    assert observer.sizes[0] > 10


async def test_a_fenced_attempt_writes_no_checkpoint_and_is_counted(desk, saver, run, observer):
    await fence(desk, run)
    with pytest.raises(FencedWrite):
        await save(saver, 1)
    assert await saver.aget_tuple(ROOT) is None
    assert (observer.refused, observer.sizes) == ({"checkpoint": 1}, [])


async def test_a_fenced_attempt_writes_no_pending_write_and_is_counted(desk, saver, run, observer):
    config = await save(saver, 1)
    await fence(desk, run)
    with pytest.raises(FencedWrite):
        await saver.aput_writes(config, [("__resume__", 1)], "task")
    assert (await saver.aget_tuple(config)).pending_writes == []
    assert observer.refused == {"checkpoint": 1}


async def test_a_fenced_attempt_writes_nothing_from_a_plain_thread_either(
    desk, saver, run, observer
):
    config = await save(saver, 1)
    await fence(desk, run)
    with pytest.raises(FencedWrite):
        await asyncio.to_thread(saver.put, ROOT, checkpoint(2), {}, {})
    with pytest.raises(FencedWrite):
        await asyncio.to_thread(saver.put_writes, config, [("a", 1)], "task")
    assert observer.refused == {"checkpoint": 2}


async def test_a_fenced_attempt_still_reads(desk, saver, run, observer):
    config = await save(saver, 1)
    await fence(desk, run)
    assert (await saver.aget_tuple(ROOT)).config == config
    assert [each.config async for each in saver.alist(ROOT)] == [config]
    assert observer.refused == {}


async def test_an_attempt_cannot_write_once_the_next_one_has_the_run(desk, saver, run, observer):
    await desk.hand_back(run)
    after = FencedSaver(desk.database, RunFence((await desk.claimed()).token), observer)
    with pytest.raises(FencedWrite):
        await save(saver, 1)
    await save(after, 2)
    assert await desk.all("SELECT checkpoint_id, attempt FROM checkpoints") == [("00000002", 2)]


async def test_the_holder_of_a_thread_writes_rows_of_no_run_until_the_release(desk, observer):
    await desk.thread()
    await desk.database.write(partial(threads.hold_thread, thread_id="t", token="token"))
    saver = FencedSaver(desk.database, HoldFence("t", "token"), observer)
    config = await save(saver, 1)
    await saver.aput_writes(config, [("__interrupt__", 1)], "task")
    assert await desk.all("SELECT run_id, attempt FROM checkpoints") == [(None, None)]
    release = partial(threads.release_thread, thread_id="t", token="token", outcome=None, now=1)
    await desk.database.write(release)
    with pytest.raises(FencedWrite):
        await save(saver, 2)


async def test_a_graph_cannot_delete_the_thread(saver):
    with pytest.raises(NotAllowed):
        await saver.adelete_thread("t")
    with pytest.raises(NotAllowed):
        await asyncio.to_thread(saver.delete_thread, "t")


async def test_versions_increase_as_text(saver):
    version = None
    versions = [version := saver.get_next_version(version, None) for _ in range(12)]
    assert versions == sorted(versions)
    assert len(set(versions)) == 12
