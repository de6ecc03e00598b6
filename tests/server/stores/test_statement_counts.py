"""How many statements the jobs of every run take: each waits for the database once."""

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from fakes.counted_database import CountedDatabase, listening
from fakes.run_desk import RunDesk
from outrigger_server.domain.run import Lease
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.fenced_batch import FencedBatch

ROOT = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
CHANNELS = {"log": ["long"] * 100, "more": ["long"] * 100}


@pytest.fixture
def counted(database):
    return CountedDatabase(database)


@pytest.fixture
async def running(desk):
    await desk.thread()
    return await desk.running("r")


def verbs(statements):
    return [statement.partition(" ")[0] for statement in statements]


async def test_a_thread_takes_one_statement(counted, clock):
    await RunDesk(counted, clock).thread()
    assert verbs(counted.statements) == ["INSERT"]


async def test_a_run_that_starts_as_it_is_created_takes_four(desk, counted, clock):
    await desk.thread()
    await RunDesk(counted, clock).create("r", lease=Lease("me", 2**50))
    assert verbs(counted.statements) == ["SELECT", "SELECT", "INSERT", "UPDATE"]


async def test_an_end_takes_two_and_the_lock_where_others_write(counted, clock, running, request):
    await RunDesk(counted, clock).finish(running)
    others = "postgres" in request.node.name
    assert verbs(counted.statements) == ["SELECT"] * others + ["UPDATE", "UPDATE"]


async def batch_of(saver, rows):
    """A batch of so many checkpoints, each with two channels and two writes of a task."""
    place = ROOT
    batch = FencedBatch(saver._fence)
    for number in range(rows):
        versions = dict.fromkeys(CHANNELS, f"{number}")
        checkpoint = {
            **empty_checkpoint(),
            "id": f"{number:08}",
            "channel_values": CHANNELS,
            "channel_versions": versions,
        }
        packed = saver._pack(place, checkpoint, {"step": number}, versions)
        place = packed.place.config
        assert batch.add(packed)
        assert batch.add(saver._task_writes(place, [("log", 1), ("more", 2)], "task", ""))
    return batch


@pytest.mark.parametrize("checkpoints", [1, 8])
async def test_a_batch_takes_three_on_postgresql_however_many_rows_it_has(
    postgres_database, clock, observer, checkpoints
):
    desk = RunDesk(postgres_database, clock)
    await desk.thread()
    run = await desk.running("r")
    saver = FencedSaver(postgres_database, RunFence(run.token), observer)
    batch = await batch_of(saver, checkpoints)
    said = []

    def job(connection):
        with listening(connection, said.append):
            batch(connection)

    await postgres_database.write(job)
    assert verbs(" ".join(each.split()) for each in said) == ["SELECT", "WITH", "INSERT"]
    history = [each async for each in saver.alist(ROOT)]
    assert len(history) == checkpoints
    assert all(each.checkpoint["channel_values"] == CHANNELS for each in history)
    assert all(len(each.pending_writes) == 2 for each in history)
