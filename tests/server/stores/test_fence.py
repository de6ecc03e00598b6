"""Fences: who may still write, asked inside the writing transaction."""

from functools import partial

import pytest

from outrigger_server.domain.run import AttemptToken, CancelAction
from outrigger_server.errors import FencedWrite
from outrigger_server.stores import claims, threads
from outrigger_server.stores.fence import HoldFence, RunFence


@pytest.fixture(autouse=True)
async def thread(desk):
    await desk.thread()


async def closed_by_the_cut(desk, run):
    await desk.database.write(partial(claims.close_fence, token=run.token))


async def finished(desk, run):
    await desk.finish(run)


async def handed_back(desk, run):
    await desk.hand_back(run)


async def superseded_by_the_next_attempt(desk, run):
    await desk.hand_back(run)
    await desk.claim()


async def requeued_by_recovery(desk, _run):
    await desk.outlive_lease()
    await desk.recover()


async def exhausted(desk, _run):
    await desk.outlive_lease()
    await desk.recover(max_attempts=1)


async def rolled_back(desk, run):
    await desk.roll_back(run)


async def deleted_with_its_thread(desk, _run):
    await desk.database.write(partial(threads.delete_thread, thread_id="t"))


LOSSES = [
    closed_by_the_cut,
    finished,
    handed_back,
    superseded_by_the_next_attempt,
    requeued_by_recovery,
    exhausted,
    rolled_back,
    deleted_with_its_thread,
]


async def test_a_running_attempt_passes(desk):
    run = await desk.running("r")
    await desk.database.write(RunFence(run.token).check)


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
async def test_an_attempt_that_lost_its_run_does_not_pass(desk, lose):
    run = await desk.running("r")
    await lose(desk, run)
    with pytest.raises(FencedWrite):
        await desk.database.write(RunFence(run.token).check)


@pytest.mark.parametrize("action", CancelAction)
async def test_a_cancelled_attempt_passes_until_it_is_cut(desk, action):
    run = await desk.running("r")
    await desk.cancel("r", action=action)
    await desk.database.write(RunFence(run.token).check)


async def test_the_next_attempt_passes_though_the_one_before_it_was_fenced(desk):
    run = await desk.running("r")
    await desk.database.write(partial(claims.close_fence, token=run.token))
    await desk.outlive_lease()
    await desk.recover()
    await desk.database.write(RunFence((await desk.claimed()).token).check)


async def test_the_cut_of_an_old_attempt_does_not_fence_the_next(desk):
    old = await desk.running("r")
    await desk.hand_back(old)
    new = await desk.claimed()
    await desk.database.write(partial(claims.close_fence, token=old.token))
    await desk.database.write(RunFence(new.token).check)


async def test_an_attempt_that_is_still_to_come_does_not_pass(desk):
    run = await desk.running("r")
    with pytest.raises(FencedWrite):
        await desk.database.write(RunFence(AttemptToken(run.run_id, 2)).check)


def test_rows_behind_a_run_fence_carry_the_run_and_the_attempt():
    fence = RunFence(AttemptToken("r", 3))
    assert (fence.run_id, fence.attempt) == ("r", 3)


def test_rows_behind_a_hold_fence_belong_to_no_run():
    fence = HoldFence("t", "token")
    assert (fence.run_id, fence.attempt) == (None, None)


async def test_nobody_passes_the_fence_of_a_thread_that_is_not_held(desk):
    with pytest.raises(FencedWrite):
        await desk.database.write(HoldFence("t", "token").check)
