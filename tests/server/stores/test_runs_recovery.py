"""Recovery: what becomes of runs whose worker went away."""

from functools import partial

import pytest

from fakes.run_desk import LEASE_SECONDS
from outrigger_server.domain.run import CancelAction, RunStatus
from outrigger_server.errors import FencedWrite
from outrigger_server.stores import claims, threads
from outrigger_server.stores.fence import RunFence


@pytest.fixture(autouse=True)
async def thread(desk):
    await desk.thread()


def names(recovered):
    return [run.run_id for run in recovered]


async def fenced(desk, run):
    try:
        await desk.database.write(RunFence(run.token).check)
    except FencedWrite:
        return True
    return False


async def test_a_run_whose_lease_ended_goes_back_into_the_queue(desk):
    run = await desk.running("r")
    await desk.outlive_lease()
    assert names((await desk.recover()).requeued) == ["r"]
    again = await desk.find("r")
    assert (again.status, again.attempt, again.handed_back) == (RunStatus.PENDING, 1, 0)
    assert await fenced(desk, run)


async def test_a_requeued_run_is_claimed_with_the_next_attempt(desk):
    await desk.running("r")
    await desk.outlive_lease()
    await desk.recover()
    assert (await desk.claimed()).attempt == 2


async def test_a_requeued_run_goes_before_those_that_came_after_it(desk):
    await desk.running("r1")
    await desk.create("r2")
    await desk.outlive_lease()
    await desk.recover()
    assert (await desk.claimed()).run_id == "r1"


async def test_a_run_with_a_living_lease_is_left_alone(desk):
    await desk.running("r")
    before = await desk.dump()
    assert await desk.recover() == claims.Recovered((), (), ())
    assert await desk.dump() == before


async def test_a_renewed_lease_keeps_a_run(desk, clock):
    run = await desk.running("r")
    await desk.outlive_lease()
    until = clock.now() + 1
    await desk.database.write(partial(claims.renew_leases, tokens=[run.token], lease_until=until))
    assert (await desk.recover()).requeued == ()


async def test_a_run_that_lives_in_this_process_is_never_taken_back(desk):
    await desk.running("r")
    await desk.outlive_lease()
    before = await desk.dump()
    assert await desk.recover("r") == claims.Recovered((), (), ())
    assert await desk.dump() == before


async def test_a_run_out_of_attempts_is_fenced_and_left_for_its_end(desk):
    for _ in range(2):
        await desk.create("r") if await desk.find("r") is None else None
        run = await desk.claimed()
        await desk.outlive_lease()
        recovered = await desk.recover(max_attempts=2)
    assert names(recovered.exhausted) == ["r"]
    assert await desk.status("r") == "running"
    assert await fenced(desk, run)


async def test_attempts_that_were_handed_back_do_not_count(desk):
    await desk.create("r")
    for _ in range(3):
        await desk.hand_back(await desk.claimed())
    await desk.claimed()
    await desk.outlive_lease()
    assert names((await desk.recover(max_attempts=2)).requeued) == ["r"]
    await desk.claimed()
    await desk.outlive_lease()
    assert names((await desk.recover(max_attempts=2)).exhausted) == ["r"]


@pytest.mark.parametrize("action", CancelAction)
async def test_a_cancelled_run_is_fenced_and_left_for_its_cut(desk, action):
    run = await desk.running("r")
    await desk.cancel("r", action=action)
    await desk.outlive_lease()
    (cancelled,) = (await desk.recover()).cancelled
    assert (cancelled.run_id, cancelled.cancel_action) == ("r", action)
    assert await desk.status("r") == "running"
    assert await fenced(desk, run)


async def test_a_cancelled_run_out_of_attempts_is_cut_and_not_failed(desk):
    await desk.running("r")
    await desk.cancel("r")
    await desk.outlive_lease()
    recovered = await desk.recover(max_attempts=1)
    assert (names(recovered.cancelled), recovered.exhausted) == (["r"], ())


async def test_pending_and_ended_runs_are_left_alone(desk):
    await desk.finish(await desk.running("ended"))
    await desk.create("pending")
    await desk.outlive_lease()
    before = await desk.dump()
    await desk.recover()
    assert await desk.dump() == before


async def test_a_start_that_owns_the_database_alone_ends_every_lease_at_once(desk):
    await desk.running("r")
    await desk.database.write(partial(claims.expire_all_leases, now=desk.clock.now()))
    assert names((await desk.recover()).requeued) == ["r"]


async def test_a_start_that_owns_the_database_alone_ends_every_hold(desk):
    await desk.database.write(partial(threads.hold_thread, thread_id="t", token="gone"))
    await desk.create("r")
    await desk.database.write(partial(claims.expire_all_leases, now=desk.clock.now()))
    assert (await desk.claimed()).run_id == "r"


# -- the time that attempts took -----------------------------------------------

SECOND = 1_000_000


async def spent(desk):
    return (await desk.find("r")).spent


async def test_a_run_has_spent_nothing_before_its_first_attempt_has_ended(desk, clock):
    run = await desk.running("r")
    clock.turn(5)
    assert (run.spent, await spent(desk)) == (0, 0)


async def test_a_run_handed_back_has_spent_what_its_attempt_ran_and_no_waiting(desk, clock):
    await desk.create("r")
    clock.turn(100)
    for seconds in (5, 7):
        run = await desk.claimed()
        clock.turn(seconds)
        await desk.hand_back(run)
        clock.turn(100)
    assert await spent(desk) == 12 * SECOND
    assert (await desk.claimed()).spent == 12 * SECOND


async def test_a_lost_attempt_has_run_until_its_lease_ended(desk, clock):
    await desk.running("r")
    clock.turn(3600)
    await desk.recover()
    assert await spent(desk) == LEASE_SECONDS * SECOND


async def test_an_attempt_that_a_start_alone_finds_has_run_until_now_at_most(desk, clock):
    await desk.running("r")
    clock.turn(5)
    await desk.database.write(partial(claims.expire_all_leases, now=clock.now()))
    clock.turn(100)
    await desk.recover()
    assert await spent(desk) == 5 * SECOND - 1


async def test_a_start_alone_long_after_the_crash_counts_none_of_the_time_between(desk, clock):
    await desk.running("r")
    clock.turn(3600)
    await desk.database.write(partial(claims.expire_all_leases, now=clock.now()))
    await desk.recover()
    assert await spent(desk) == LEASE_SECONDS * SECOND


async def test_a_clock_that_steps_back_takes_nothing_off_what_a_run_has_spent(desk, clock):
    run = await desk.running("r")
    clock.turn(-60)
    await desk.hand_back(run)
    assert await spent(desk) == 0
