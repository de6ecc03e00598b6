"""Creating a run with a slot at hand: the slot is used or given back, whatever happens."""

import asyncio

import pytest

from fakes.run_creators import run_creator
from fakes.run_desk import LEASE_SECONDS, request
from harness.writer_gate import Gate
from outrigger_server.domain.run import Lease
from outrigger_server.errors import NotFound, StoreUnavailable, ThreadBusy


class OneSlot:
    """See `Slots`."""

    def __init__(self, clock):
        self._clock = clock
        self.free = True
        self.started = []

    def reserve(self):
        if not self.free:
            return None
        self.free = False
        return Lease("here", self._clock.now() + LEASE_SECONDS * 1_000_000)

    def start(self, run, *, fresh):
        assert not self.free
        self.started.append((run.run_id, fresh))

    def release(self):
        assert not self.free
        self.free = True


@pytest.fixture
def slot(clock):
    return OneSlot(clock)


@pytest.fixture
async def creator(database, clock, slot, desk):
    await desk.thread()
    return run_creator(database, clock, slot)


async def test_a_run_that_has_nothing_to_wait_for_is_started_in_the_slot(creator, slot, desk):
    told = await creator.create("t", request("a"))
    assert (told.status, slot.started) == ("pending", [("a", True)])
    assert (await desk.find("a")).status == "running"


async def test_without_a_free_slot_it_waits_for_its_claim(creator, slot, desk):
    slot.free = False
    await creator.create("t", request("a"))
    assert slot.started == []
    assert (await desk.claimed()).run_id == "a"


@pytest.mark.parametrize(
    ("thread", "strategy", "error"), [("t", "reject", ThreadBusy), ("none", "enqueue", NotFound)]
)
async def test_a_refused_run_gives_the_slot_back(creator, slot, desk, thread, strategy, error):
    await desk.running("a")
    with pytest.raises(error):
        await creator.create(thread, request("b", strategy))
    assert slot.free


async def test_a_run_that_waits_gives_the_slot_back(creator, slot, desk):
    await desk.running("a")
    await creator.create("t", request("b"))
    assert (slot.free, slot.started) == (True, [])


async def test_a_run_whose_caller_left_is_started_all_the_same(creator, slot, database):
    gate = Gate()
    held = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.entered.wait)
    caller = asyncio.create_task(creator.create("t", request("a")))
    while database.writer.waiting < 1:
        await asyncio.sleep(0)
    caller.cancel()
    gate.open()
    await held
    await asyncio.gather(caller, return_exceptions=True)
    await database.write(lambda _connection: None)  # everything before it has been told
    assert slot.started == [("a", True)]


async def test_a_database_that_takes_nothing_gives_the_slot_back(creator, slot, database):
    database.writer.stop()
    with pytest.raises(StoreUnavailable):
        await creator.create("t", request("a"))
    assert slot.free
