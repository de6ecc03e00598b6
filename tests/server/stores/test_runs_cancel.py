"""Cancelling runs: what is ended at once and what is only told to stop."""

import pytest

from outrigger_server.domain.run import CancelAction, RunStatus

ROLLBACK = CancelAction.ROLLBACK


@pytest.fixture(autouse=True)
async def thread(desk):
    await desk.thread()


async def test_a_pending_run_is_interrupted_at_once(desk):
    await desk.create("r")
    cancelled = await desk.cancel("r")
    assert ([run.run_id for run in cancelled.dropped], cancelled.signalled) == (["r"], ())
    assert await desk.status("r") == "interrupted"


async def test_a_pending_run_that_is_rolled_back_is_gone_at_once(desk):
    await desk.create("r")
    assert [run.run_id for run in (await desk.cancel("r", action=ROLLBACK)).dropped] == ["r"]
    assert await desk.find("r") is None


async def test_a_running_run_is_told_and_stays_running(desk, clock):
    await desk.running("r")
    cancelled = await desk.cancel("r")
    assert (cancelled.signalled, cancelled.dropped) == (("r",), ())
    run = await desk.find("r")
    assert (run.status, run.cancel_action) == (RunStatus.RUNNING, CancelAction.INTERRUPT)
    assert (run.cancel_requested_at, run.cancel_message) == (clock.now(), "stop")
    assert run.superseded_by is None


@pytest.mark.parametrize("action", CancelAction)
async def test_a_second_cancel_finds_nothing_and_changes_nothing(desk, clock, action):
    await desk.running("r")
    await desk.cancel("r", action=action)
    before = await desk.dump()
    clock.turn(1)
    second = await desk.cancel("r", action=action)
    assert (second.signalled, second.dropped) == ((), ())
    assert await desk.dump() == before


async def test_a_rollback_outweighs_an_earlier_interrupt(desk):
    await desk.running("r")
    await desk.cancel("r")
    assert (await desk.cancel("r", action=ROLLBACK)).signalled == ("r",)
    assert (await desk.find("r")).cancel_action is ROLLBACK


async def test_an_interrupt_after_a_rollback_finds_nothing(desk):
    await desk.running("r")
    await desk.cancel("r", action=ROLLBACK)
    assert (await desk.cancel("r")).signalled == ()
    assert (await desk.find("r")).cancel_action is ROLLBACK


async def test_a_finished_run_is_not_cancelled(desk):
    await desk.finish(await desk.running("r"))
    before = await desk.dump()
    cancelled = await desk.cancel("r", action=ROLLBACK)
    assert (cancelled.signalled, cancelled.dropped) == ((), ())
    assert await desk.dump() == before


async def test_a_run_of_another_thread_is_not_cancelled(desk):
    await desk.thread("other")
    await desk.create("r")
    assert (await desk.cancel("r", thread="other")).dropped == ()
    assert await desk.status("r") == "pending"


async def test_only_the_named_runs_are_cancelled(desk):
    await desk.running("r1")
    await desk.create("r2")
    await desk.create("r3")
    await desk.cancel("r1", "r3")
    assert (await desk.find("r1")).cancel_action is CancelAction.INTERRUPT
    assert [await desk.status(name) for name in ("r2", "r3")] == ["pending", "interrupted"]


async def test_the_next_run_may_start_when_the_first_pending_one_is_cancelled(desk):
    await desk.create("r1")
    await desk.create("r2")
    await desk.cancel("r1")
    assert (await desk.claimed()).run_id == "r2"
