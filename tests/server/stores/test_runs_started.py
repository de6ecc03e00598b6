"""A run that has nothing to wait for starts in the transaction that creates it."""

from functools import partial

import pytest

from fakes.run_desk import LEASE_SECONDS
from outrigger_server.domain.run import Lease, RunStatus
from outrigger_server.stores import threads
from outrigger_server.stores.fence import RunFence

MICROSECONDS = 1_000_000


@pytest.fixture
async def lease(desk):
    await desk.thread()
    return Lease("me", desk.clock.now() + LEASE_SECONDS * MICROSECONDS)


async def status(desk, run_id):
    return (await desk.find(run_id)).status


async def test_it_runs_as_the_owners_first_attempt(desk, lease):
    created = await desk.create("a", lease=lease)
    assert created.run.status is RunStatus.PENDING  # what the caller is told
    stored = await desk.find("a")
    assert created.started == stored
    assert (stored.status, stored.attempt) == (RunStatus.RUNNING, 1)
    assert await desk.all("SELECT owner, lease_until FROM runs") == [("me", lease.until)]
    await desk.database.write(RunFence(stored.token).check)  # it may write


async def test_nobody_else_can_claim_it(desk, lease):
    await desk.create("a", lease=lease)
    assert (await desk.claim()).runs == ()
    await desk.create("b", lease=lease)
    assert (await desk.claim()).runs == ()


async def test_it_is_ended_and_followed_like_any_other(desk, lease):
    started = (await desk.create("a", lease=lease)).started
    assert (await desk.create("b", lease=lease)).started is None
    assert (await desk.finish(started)).more
    assert (await desk.claimed()).run_id == "b"


async def test_it_is_taken_over_when_its_owner_is_lost(desk, lease):
    await desk.create("a", lease=lease)
    await desk.outlive_lease()
    assert [run.run_id for run in (await desk.recover()).requeued] == ["a"]
    assert (await desk.claimed()).attempt == 2


@pytest.mark.parametrize("strategy", ["enqueue", "interrupt", "rollback"])
async def test_behind_a_running_one_it_waits(desk, lease, strategy):
    await desk.create("a", lease=lease)
    created = await desk.create("b", strategy, lease=lease)
    assert created.started is None
    assert await status(desk, "b") is RunStatus.PENDING


async def test_one_that_takes_the_place_of_a_waiting_one_is_claimed_as_usual(desk, lease):
    await desk.create("a")
    created = await desk.create("b", "rollback", lease=lease)
    assert created.started is None
    assert (await desk.claimed()).run_id == "b"


async def test_a_delayed_one_waits_for_its_time(desk, lease):
    assert (await desk.create("a", lease=lease, after_seconds=5)).started is None


async def test_on_a_thread_that_is_being_changed_it_waits(desk, lease):
    hold = partial(threads.hold_thread, thread_id="t", token="h")
    await desk.database.write(hold)
    assert (await desk.create("a", lease=lease)).started is None
    release = partial(threads.release_thread, thread_id="t", token="h", outcome=None)
    await desk.database.write(partial(release, now=desk.clock.now()))
    assert (await desk.claimed()).run_id == "a"


async def test_on_a_thread_of_a_process_with_a_faster_clock_it_starts_in_its_order(desk, lease):
    await desk.create("a", lease=lease)
    desk.clock.turn(10)
    await desk.finish(await desk.find("a"))
    desk.clock.turn(-10)
    started = (await desk.create("b", lease=lease)).started
    assert started.created_at > desk.clock.now()


async def test_a_refused_one_leaves_no_trace(desk, lease):
    await desk.create("a", lease=lease)
    refused = await desk.create("b", "reject", lease=lease)
    assert (refused.run, refused.started) == (None, None)
    assert await desk.find("b") is None
