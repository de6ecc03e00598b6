"""The ends of runs: finished, rolled back, or deleted afterwards."""

import pytest

from fakes.run_desk import IDLE
from outrigger_server.domain.run import CancelAction, RunStatus
from outrigger_server.domain.thread import ThreadOutcome, ThreadStatus
from outrigger_server.errors import IllegalTransition
from outrigger_server.stores import run_ends

ENDS = [status for status in RunStatus if status.is_terminal]


@pytest.fixture(autouse=True)
async def thread(desk):
    await desk.thread()


async def checkpoint(desk, checkpoint_id, parent, run_id, namespace=""):
    await desk.execute(
        "INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, "
        "run_id) VALUES ('t', ?, ?, ?, ?)",
        namespace,
        checkpoint_id,
        parent,
        run_id,
    )


async def write(desk, checkpoint_id, run_id, table="writes"):
    more, value = (", replaced_by", ", 'later'") if table == "writes_kept" else ("", "")
    await desk.execute(
        f"INSERT INTO {table} (thread_id, checkpoint_id, task_id, idx, channel, run_id{more}) "
        f"VALUES ('t', ?, 'task', 0, 'x', ?{value})",
        checkpoint_id,
        run_id,
    )


async def delete(desk, run):
    await desk.database.write(lambda connection: run_ends.delete_finished_run(connection, run))


@pytest.mark.parametrize("status", ENDS)
async def test_an_end_is_written_with_its_time_and_the_fence_closed(desk, clock, status):
    run = await desk.running("r")
    clock.turn(3)
    await desk.finish(run, status)
    ended = await desk.find("r")
    assert (ended.status, ended.ended_at) == (status, clock.now())
    assert await desk.one("SELECT fenced, owner, lease_until FROM runs") == (1, None, None)


async def test_the_end_leaves_what_the_run_made_on_its_thread(desk, clock):
    run = await desk.running("r")
    clock.turn(3)
    await desk.finish(run, outcome=ThreadOutcome('{"n":1}', '{"task":[]}', has_next=True))
    thread = await desk.read_thread()
    assert (thread.values, thread.interrupts) == ('{"n":1}', '{"task":[]}')
    assert thread.status is ThreadStatus.INTERRUPTED
    assert thread.state_updated_at == thread.updated_at == clock.now()


async def test_an_end_whose_state_could_not_be_read_keeps_the_threads_values(desk, clock):
    await desk.finish(await desk.running("r1"), outcome=ThreadOutcome('{"n":1}', "{}", False))
    before = (await desk.read_thread()).state_updated_at
    clock.turn(3)
    error = {"error": "E", "message": "m"}
    unread = ThreadOutcome(None, None, has_next=False, error=error, failed=True)
    await desk.finish(await desk.running("r2"), RunStatus.ERROR, unread)
    thread = await desk.read_thread()
    assert (thread.values, thread.state_updated_at) == ('{"n":1}', before)
    assert (thread.status, thread.error) == (ThreadStatus.ERROR, error)


async def test_the_thread_is_busy_until_its_last_run_has_ended(desk):
    first = await desk.running("r1")
    await desk.create("r2")
    await desk.finish(first)
    assert (await desk.read_thread()).status is ThreadStatus.BUSY
    await desk.finish(await desk.claimed())
    assert (await desk.read_thread()).status is ThreadStatus.IDLE


async def test_an_attempt_that_lost_its_run_cannot_end_it(desk):
    old = await desk.running("r")
    await desk.hand_back(old)
    await desk.claim()
    before = await desk.dump()
    with pytest.raises(IllegalTransition):
        await desk.finish(old)
    assert await desk.dump() == before


async def test_a_run_cannot_end_twice(desk):
    run = await desk.running("r")
    await desk.finish(run)
    with pytest.raises(IllegalTransition):
        await desk.finish(run, RunStatus.ERROR)
    assert await desk.status("r") == "success"


async def test_a_run_that_is_pending_again_cannot_be_ended_by_its_old_attempt(desk):
    run = await desk.running("r")
    await desk.hand_back(run)
    with pytest.raises(IllegalTransition):
        await desk.finish(run)


async def test_a_rollback_asked_for_while_the_graph_ended_wins(desk):
    run = await desk.running("r")
    await checkpoint(desk, "c1", None, "r")
    await desk.cancel("r", action=CancelAction.ROLLBACK)
    ended = await desk.finish(run)
    assert ended.run.cancel_action is CancelAction.ROLLBACK
    assert await desk.find("r") is None
    assert await desk.all("SELECT * FROM checkpoints") == []


async def test_an_interrupt_asked_for_while_the_graph_ended_changes_nothing(desk):
    run = await desk.running("r")
    await desk.cancel("r")
    ended = await desk.finish(run)
    assert ended.run.cancel_action is CancelAction.INTERRUPT
    assert await desk.status("r") == "success"


async def test_a_rolled_back_run_takes_its_checkpoints_and_writes_with_it(desk):
    await desk.finish(await desk.running("r1"))
    await checkpoint(desk, "c1", None, "r1")
    run = await desk.running("r2")
    await checkpoint(desk, "c2", "c1", "r2")
    await checkpoint(desk, "s2", None, "r2", namespace="child:1")
    await write(desk, "c1", "r2")
    await write(desk, "c2", "r2")
    await desk.roll_back(run)
    assert await desk.all("SELECT checkpoint_id FROM checkpoints") == [("c1",)]
    assert await desk.all("SELECT * FROM writes") == []


async def test_a_rollback_of_its_own_accord_leaves_a_note_on_the_thread(desk):
    await desk.running("r")
    await desk.cancel("r", action=CancelAction.ROLLBACK)
    await desk.roll_back(await desk.find("r"))
    assert (await desk.read_thread()).error == {"error": "UserRollback", "message": "stop"}


async def test_a_rollback_by_another_run_leaves_no_note_and_lets_that_run_start(desk):
    await desk.running("r1")
    await desk.create("r2", "rollback")
    await desk.roll_back(await desk.find("r1"))
    assert (await desk.read_thread()).error is None
    assert (await desk.claimed()).run_id == "r2"


async def test_the_writes_a_run_replaced_are_kept_as_long_as_the_run(desk):
    run = await desk.running("later")
    await write(desk, "c1", "r1", table="writes_kept")
    await desk.finish(run, outcome=IDLE)
    assert len(await desk.all("SELECT * FROM writes_kept")) == 1
    await delete(desk, await desk.find("later"))
    assert await desk.all("SELECT * FROM writes_kept") == []
    assert await desk.all("SELECT checkpoint_id, run_id FROM writes") == [("c1", "r1")]


async def test_deleting_a_run_ties_the_later_checkpoints_to_those_before_it(desk):
    for name in ("r1", "r2", "r3"):
        await desk.finish(await desk.running(name))
        parents = {"r1": None, "r2": "r1-b", "r3": "r2-b"}
        await checkpoint(desk, f"{name}-a", parents[name], name)
        await checkpoint(desk, f"{name}-b", f"{name}-a", name)
    await delete(desk, await desk.find("r2"))
    chain = await desk.all("SELECT checkpoint_id, parent_checkpoint_id FROM checkpoints")
    assert sorted(chain) == [("r1-a", None), ("r1-b", "r1-a"), ("r3-a", "r1-b"), ("r3-b", "r3-a")]


async def test_deleting_the_first_run_makes_the_next_one_the_root(desk):
    for name, parent in (("r1", None), ("r2", "r1-a")):
        await desk.finish(await desk.running(name))
        await checkpoint(desk, f"{name}-a", parent, name)
    await delete(desk, await desk.find("r1"))
    chain = await desk.all("SELECT checkpoint_id, parent_checkpoint_id FROM checkpoints")
    assert chain == [("r2-a", None)]


@pytest.mark.parametrize("running", [True, False], ids=["running", "pending"])
async def test_a_run_in_flight_is_not_deleted_and_keeps_everything(desk, running):
    await desk.create("r")
    if running:
        await desk.claim()
    await checkpoint(desk, "c1", None, "r")
    before = await desk.dump()
    with pytest.raises(IllegalTransition):
        await delete(desk, await desk.find("r"))
    assert await desk.dump() == before


async def test_an_error_whose_text_is_no_unicode_ends_its_run_all_the_same(desk):
    run = await desk.running("r")
    error = {"error": "ValueError", "message": "broken \ud800"}
    failed = ThreadOutcome("{}", "{}", has_next=False, error=error, failed=True)
    await desk.finish(run, RunStatus.ERROR, failed)
    assert await desk.status("r") == "error"


async def test_an_end_tells_whether_the_thread_has_a_run_that_may_start(desk):
    first = await desk.running("r1")
    await desk.create("r2")
    assert (await desk.finish(first)).more
    assert not (await desk.finish(await desk.claimed())).more


async def test_a_rollback_tells_whether_the_thread_has_a_run_that_may_start(desk):
    first = await desk.running("r1")
    await desk.create("r2")
    assert (await desk.roll_back(first)).more
    assert not (await desk.roll_back(await desk.claimed())).more
