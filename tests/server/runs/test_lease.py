"""The lease keeper: beats from a thread of its own and passes on what it learned."""

import asyncio
import queue
import threading

import pytest

from outrigger_server.domain.run import AttemptToken, CancelAction
from outrigger_server.errors import StoreUnavailable
from outrigger_server.runs.lease import LeaseKeeper
from outrigger_server.stores.claims import Renewal

SMALL_LEASE = 0.03


class Ears:
    """Collects what a keeper heard, and on which thread."""

    def __init__(self):
        self._heard = queue.SimpleQueue()

    def __call__(self, renewal):
        self._heard.put((renewal, threading.current_thread().name))

    async def next(self):
        return await asyncio.to_thread(self._heard.get, timeout=5)

    def next_blocking(self):
        return self._heard.get(timeout=5)


@pytest.fixture
def ears():
    return Ears()


@pytest.fixture
def keep(database, clock, ears):
    """Make a keeper of these tokens."""

    def make(*tokens, database=database, well=lambda: None):
        return LeaseKeeper(
            database,
            clock,
            SMALL_LEASE,
            tokens=lambda: list(tokens),
            heard=ears,
            well=well,
        )

    return make


async def heard_after(ears, keeper, wanted):
    """Beat until a beat has learned what is wanted."""
    with keeper:
        while True:
            renewal, _ = await ears.next()
            if renewal == wanted:
                return renewal


async def test_a_beat_moves_the_end_of_the_lease_from_now_on(desk, clock, ears, keep):
    await desk.thread()
    run = await desk.running("r")
    clock.turn(1000)
    with keep(run.token) as keeper:
        renewal, thread = await ears.next()
        assert keeper.until() == clock.now() + round(SMALL_LEASE * 1_000_000)
    assert (renewal, thread) == (Renewal((), ()), "leases")
    assert await desk.one("SELECT lease_until FROM runs") == (keeper.until(),)


async def test_beats_go_on_while_the_servers_loop_is_blocked(desk, ears, keep):
    await desk.thread()
    run = await desk.running("r")
    with keep(run.token):
        for _ in range(3):
            ears.next_blocking()


@pytest.mark.parametrize("action", CancelAction)
async def test_a_cancel_whose_signal_was_missed_is_passed_on(desk, ears, keep, action):
    await desk.thread()
    run = await desk.running("r")
    await desk.cancel("r", action=action)
    await heard_after(ears, keep(run.token), Renewal(((run.token, action),), ()))


async def test_an_attempt_that_lost_its_run_is_passed_on(desk, ears, keep):
    await desk.thread()
    run = await desk.running("r")
    await desk.hand_back(run)
    await heard_after(ears, keep(run.token), Renewal((), (run.token,)))


class RefusesOnce:
    """A database that cannot be written the first time."""

    def __init__(self, database):
        self._database = database
        self.refusals = 0

    def write_blocking(self, job):
        if not self.refusals:
            self.refusals += 1
            raise StoreUnavailable
        return self._database.write_blocking(job)


async def test_a_beat_that_the_database_refuses_is_followed_by_another(desk, ears, keep):
    await desk.thread()
    run = await desk.running("r")
    refusing = RefusesOnce(desk.database)
    with keep(run.token, database=refusing):
        renewal, _ = await ears.next()
    assert (refusing.refusals, renewal) == (1, Renewal((), ()))


async def test_a_worker_is_well_from_the_start_and_with_each_beat_that_kept_its_leases(
    desk, ears, keep
):
    await desk.thread()
    run = await desk.running("r")
    said = queue.SimpleQueue()
    refusing = RefusesOnce(desk.database)
    with keep(run.token, database=refusing, well=lambda: said.put(refusing.refusals)):
        started = said.get(timeout=5)
        await ears.next()
        beat = said.get(timeout=5)
    assert (started, beat) == (0, 1)  # the refused beat in between said nothing


async def test_a_worker_without_an_attempt_is_well(keep):
    said = queue.SimpleQueue()
    with keep(well=lambda: said.put(None)):
        for _ in range(3):
            await asyncio.to_thread(said.get, timeout=5)


async def test_leaving_ends_the_thread(ears, keep):
    with keep(AttemptToken("nobody", 1)) as keeper:
        await ears.next()
    assert not keeper._thread.is_alive()


async def test_without_an_attempt_nothing_is_asked_of_the_database(desk, keep):
    asked = threading.Event()
    looked = threading.Event()

    class Counting:
        def write_blocking(self, _job):
            asked.set()

    def tokens():
        looked.set()
        return []

    keeper = LeaseKeeper(
        Counting(), desk.clock, SMALL_LEASE, tokens=tokens, heard=lambda _: None, well=lambda: None
    )
    with keeper:
        await asyncio.to_thread(looked.wait, 5)
    assert not asked.is_set()
