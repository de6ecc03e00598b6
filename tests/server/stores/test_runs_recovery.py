"""Recovery: what becomes of runs whose worker went away."""

from functools import partial

import pytest

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
    await desk.database.write(claims.expire_all_leases)
    assert names((await desk.recover()).requeued) == ["r"]


async def test_a_start_that_owns_the_database_alone_ends_every_hold(desk):
    await desk.database.write(partial(threads.hold_thread, thread_id="t", token="gone"))
    await desk.create("r")
    await desk.database.write(claims.expire_all_leases)
    assert (await desk.claimed()).run_id == "r"
