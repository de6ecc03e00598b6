"""Checkpoints in PostgreSQL: values come back as they were, and each is stored while needed."""

import math
from enum import StrEnum
from functools import partial

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from fakes.run_desk import RunDesk
from outrigger_server.stores import run_ends
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence

ROOT = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


class Colour(StrEnum):
    RED = "red"


VALUES = {
    "text": "a",
    "text with the end of C's texts": "a\0b",
    "long text": "ä" * 5_000,
    "escaped": 'a "b" \\u0000 \\',
    "enum": Colour.RED,
    "whole number": 7,
    "number beyond floats": 2**60 + 1,
    "fraction": 0.1,
    "whole fraction": 1.0,
    "huge fraction": 1e16,
    "negative zero": -0.0,
    "infinity": math.inf,
    "true": True,
    "nothing": None,
    "bytes": b"\0\xff",
    "list": [1, "a\0", None, {"x": 1.0}],
}


@pytest.fixture
def desk(postgres_database, clock):
    return RunDesk(postgres_database, clock)


@pytest.fixture
async def run(desk):
    await desk.thread()
    return await desk.running("r1")


@pytest.fixture
def save(desk, observer):
    async def save(run, number, values, new=(), parent=ROOT, metadata=None):
        """Write checkpoint `number`; the channels in `new` have changed since the last."""
        versions = {name: save.versions.get(name, "") for name in values}
        versions |= {name: f"{number:032}.{name}" for name in new}
        save.versions = versions
        checkpoint = {
            **empty_checkpoint(),
            "id": f"{number:08}",
            "channel_values": values,
            "channel_versions": dict(versions),
        }
        saver = FencedSaver(desk.database, RunFence(run.token), observer)
        changed = {name: versions[name] for name in new}
        return await saver.aput(parent, checkpoint, metadata or {}, changed)

    save.versions = {}
    return save


async def read(desk, observer, place=ROOT):
    run = await desk.find("r1") or await desk.find("r2")
    saver = FencedSaver(desk.database, RunFence(run.token), observer)
    return await saver.aget_tuple(place)


@pytest.mark.parametrize("name", VALUES)
async def test_a_value_comes_back_exactly_as_it_was(desk, run, save, observer, name):
    await save(run, 1, {"channel": VALUES[name]}, new=["channel"])
    found = (await read(desk, observer)).checkpoint["channel_values"]["channel"]
    assert (type(found), repr(found)) == (type(VALUES[name]), repr(VALUES[name]))


async def test_a_value_that_did_not_change_is_stored_once_and_read_with_each(
    desk, run, save, observer
):
    values = {"kept": [1], "changed": [1]}
    first = await save(run, 1, values, new=values)
    second = await save(run, 2, {**values, "changed": [2]}, new=["changed"], parent=first)
    assert len(await desk.all("SELECT * FROM checkpoint_blobs")) == 3
    found = [(await read(desk, observer, each)).checkpoint for each in (first, second)]
    assert [each["channel_values"]["changed"] for each in found] == [[1], [2]]
    assert [each["channel_values"]["kept"] for each in found] == [[1], [1]]


async def test_what_happens_to_a_value_after_the_put_changes_nothing(desk, run, observer):
    value = [1]
    saver = FencedSaver(desk.database, RunFence(run.token), observer, durable=False)
    versions = {"channel": "1"}
    checkpoint = {
        **empty_checkpoint(),
        "channel_values": {"channel": value},
        "channel_versions": versions,
    }
    await saver.aput(ROOT, checkpoint, {}, versions)
    value.append(2)
    await saver.settle()
    assert (await saver.aget_tuple(ROOT)).checkpoint["channel_values"] == {"channel": [1]}


async def test_metadata_may_hold_the_end_of_cs_texts(desk, run, save, observer):
    deep = {"nul": "a\0b", "backslash": "\\u0000", "both": "\\\0"}
    await save(run, 1, {}, metadata={"deep": deep})
    found = (await read(desk, observer)).metadata["deep"]
    assert found["backslash"] == "\\u0000"
    assert (found["nul"], found["both"]) == ("a\ufffdb", "\\\ufffd")


async def blobs(desk):
    found = await desk.all("SELECT channel, run_id FROM checkpoint_blobs")
    return sorted(found)


@pytest.fixture
async def second(desk, run, save):
    """A second run, still running, that changed one of the first one's two values."""
    first = await save(run, 1, {"kept": [1], "changed": [1]}, new=["kept", "changed"])
    await desk.finish(run)
    second = await desk.running("r2")
    await save(second, 2, {"kept": [1], "changed": [2]}, new=["changed"], parent=first)
    return second


async def test_a_rollback_takes_the_values_only_its_run_needed(desk, second):
    await desk.roll_back(second)
    assert await blobs(desk) == [("changed", "r1"), ("kept", "r1")]


async def delete(desk, run_id):
    job = partial(run_ends.delete_finished_run, run=await desk.find(run_id))
    await desk.database.write(job)


async def test_a_deleted_run_leaves_the_values_that_a_later_one_needs(desk, second, observer):
    await desk.finish(second)
    await delete(desk, "r1")
    assert await blobs(desk) == [("changed", "r2"), ("kept", "r2")]
    found = await read(desk, observer)
    assert found.checkpoint["channel_values"] == {"kept": [1], "changed": [2]}


async def test_no_value_is_left_once_every_run_is_deleted(desk, second):
    await desk.finish(second)
    for run_id in ("r1", "r2"):
        await delete(desk, run_id)
    assert await blobs(desk) == []
