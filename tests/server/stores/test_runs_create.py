"""Creating runs: what each strategy does to those in flight, in the table."""

import pytest

from outrigger_server.domain.run import CancelAction, RunStatus
from outrigger_server.errors import NotFound


@pytest.fixture(autouse=True)
async def thread(desk):
    await desk.thread("t", colour="red")


async def test_a_new_run_is_pending_with_what_was_asked_for(desk):
    created = await desk.create(
        "r", kwargs={"input": {"n": 1}}, metadata={"k": "v"}, source="cron", request_id="q"
    )
    run = await desk.find("r")
    assert run == created.run
    assert (run.status, run.attempt, run.kwargs) == (RunStatus.PENDING, 0, {"input": {"n": 1}})
    assert (run.source, run.request_id) == ("cron", "q")


async def test_a_runs_metadata_joins_the_threads_with_its_own(desk):
    await desk.create("r", metadata={"k": "v", "colour": "blue"})
    assert (await desk.find("r")).metadata == {"colour": "blue", "k": "v"}


async def test_a_run_on_a_missing_thread_is_refused_and_leaves_nothing(desk):
    before = await desk.dump()
    with pytest.raises(NotFound):
        await desk.create("r", thread="nowhere")
    assert await desk.dump() == before


async def test_the_first_run_of_a_quiet_thread_leaves_its_metadata_on_it(desk):
    await desk.create("r", thread_metadata={"graph_id": "graph"})
    assert (await desk.read_thread()).metadata == {"colour": "red", "graph_id": "graph"}


async def test_a_run_of_a_busy_thread_leaves_the_threads_metadata_alone(desk):
    await desk.create("first", thread_metadata={"graph_id": "graph"})
    await desk.create("second", thread_metadata={"graph_id": "other"})
    assert (await desk.read_thread()).metadata["graph_id"] == "graph"


async def test_the_threads_configuration_follows_the_runs_of_a_quiet_thread(desk):
    asked = {"assistant_config": {"configurable": {"k": 1}}, "given_config": {"tags": ["x"]}}
    await desk.create("r", **asked)
    assert (await desk.read_thread()).config == {"configurable": {"k": 1}, "tags": ["x"]}


async def test_a_run_of_a_busy_thread_leaves_the_threads_configuration_alone(desk):
    await desk.create("first", given_config={"tags": ["x"]})
    await desk.create("second", given_config={"tags": ["y"]})
    assert (await desk.read_thread()).config == {"configurable": {}, "tags": ["x"]}


@pytest.mark.parametrize("strategy", ["reject", "enqueue", "interrupt", "rollback"])
async def test_every_strategy_is_accepted_by_a_quiet_thread(desk, strategy):
    created = await desk.create("r", strategy)
    assert created.run is not None
    assert (created.decision.result, created.queue_length) == (None, 0)


@pytest.mark.parametrize("running", [True, False], ids=["running", "pending"])
async def test_reject_changes_nothing_at_all_on_a_busy_thread(desk, running):
    await desk.create("r1")
    if running:
        await desk.claim()
    before = await desk.dump()
    refused = await desk.create("r2", "reject")
    assert (refused.run, refused.queue_length) == (None, 1)
    assert await desk.dump() == before


async def test_reject_is_refused_while_only_a_delayed_run_waits(desk):
    await desk.create("later", after_seconds=60)
    assert (await desk.create("r", "reject")).run is None


async def test_reject_is_accepted_once_the_thread_is_quiet_again(desk):
    await desk.finish(await desk.running("r1"))
    assert (await desk.create("r2", "reject")).run is not None


async def test_enqueued_runs_start_in_the_order_they_came(desk):
    names = [f"r{n}" for n in range(5)]
    for name in names:
        await desk.create(name)
    started = []
    for _ in names:
        run = await desk.claimed()
        started.append(run.run_id)
        await desk.finish(run)
    assert started == names


async def test_enqueue_counts_the_runs_before_it(desk):
    await desk.create("r1")
    await desk.create("r2")
    assert (await desk.create("r3")).queue_length == 2


async def test_interrupt_marks_the_running_run_and_leaves_it_running(desk):
    await desk.running("r1")
    await desk.create("r2", "interrupt")
    victim = await desk.find("r1")
    assert (victim.status, victim.cancel_action) == (RunStatus.RUNNING, CancelAction.INTERRUPT)
    assert victim.superseded_by == "r2"
    assert "superseded by run r2" in victim.cancel_message


async def test_interrupt_ends_the_pending_runs_and_tells_which(desk):
    await desk.running("r1")
    await desk.create("r2")
    await desk.create("later", after_seconds=60)
    created = await desk.create("r3", "interrupt")
    assert [run.run_id for run in created.dropped] == ["r2", "later"]
    assert await desk.status("r2") == await desk.status("later") == "interrupted"
    assert {run.superseded_by for run in created.dropped} == {"r3"}


async def test_a_dropped_run_says_when_it_ended_and_never_started(desk, clock):
    await desk.create("r1")
    clock.turn(2)
    await desk.create("r2", "interrupt")
    dropped = await desk.find("r1")
    assert (dropped.ended_at, dropped.started_at, dropped.attempt) == (clock.now(), None, 0)


async def test_the_run_that_interrupts_pending_ones_may_start_at_once(desk):
    await desk.create("r1")
    await desk.create("r2", "interrupt")
    assert (await desk.claimed()).run_id == "r2"


async def test_the_run_that_interrupts_a_running_one_waits_for_its_end(desk):
    victim = await desk.running("r1")
    await desk.create("r2", "interrupt")
    assert (await desk.claim()).runs == ()
    await desk.finish(victim, RunStatus.INTERRUPTED)
    assert (await desk.claimed()).run_id == "r2"


async def test_rollback_marks_the_running_run_and_removes_the_pending_ones(desk):
    await desk.running("r1")
    await desk.create("r2")
    created = await desk.create("r3", "rollback")
    assert (await desk.find("r1")).cancel_action is CancelAction.ROLLBACK
    assert await desk.find("r2") is None
    assert [run.run_id for run in created.dropped] == ["r2"]


async def test_rollback_outweighs_an_earlier_interrupt_of_the_same_victim(desk):
    await desk.running("r1")
    await desk.create("r2", "interrupt")
    await desk.create("r3", "rollback")
    assert (await desk.find("r1")).cancel_action is CancelAction.ROLLBACK


async def test_an_interrupt_leaves_an_earlier_rollback_of_the_same_victim(desk):
    await desk.running("r1")
    await desk.create("r2", "rollback")
    await desk.create("r3", "interrupt")
    assert (await desk.find("r1")).cancel_action is CancelAction.ROLLBACK
    assert await desk.status("r2") == "interrupted"


async def test_a_second_victory_keeps_the_time_of_the_first_request(desk, clock):
    await desk.running("r1")
    await desk.create("r2", "interrupt")
    first = clock.now()
    clock.turn(5)
    await desk.create("r3", "interrupt")
    victim = await desk.find("r1")
    assert (victim.cancel_requested_at, victim.superseded_by) == (first, "r3")


async def test_of_a_storm_of_interrupts_only_the_newest_is_left(desk):
    victim = await desk.running("r0")
    for n in range(1, 6):
        await desk.create(f"r{n}", "interrupt")
    await desk.finish(victim, RunStatus.INTERRUPTED)
    assert (await desk.claimed()).run_id == "r5"
    assert [await desk.status(f"r{n}") for n in range(1, 5)] == ["interrupted"] * 4


@pytest.mark.parametrize("strategy", ["enqueue", "interrupt", "rollback"])
async def test_runs_of_other_threads_are_never_touched(desk, strategy):
    await desk.thread("other")
    await desk.running("o1", thread="other")
    await desk.create("o2", thread="other")
    before = [row for row in (await desk.dump())["runs"] if "other" in row]
    await desk.create("r1")
    await desk.create("r2", strategy)
    assert [row for row in (await desk.dump())["runs"] if "other" in row] == before


async def test_a_delayed_run_is_overtaken_by_those_that_are_due(desk, clock):
    await desk.create("later", after_seconds=60)
    await desk.create("now")
    assert (await desk.claimed()).run_id == "now"


async def test_a_delayed_run_is_claimed_when_its_time_has_come_and_not_before(desk, clock):
    await desk.create("later", after_seconds=60)
    clock.turn(59.999999)
    assert (await desk.claim()).runs == ()
    clock.turn(0.000001)
    assert (await desk.claimed()).run_id == "later"


async def test_a_run_created_after_a_delayed_one_is_due_goes_behind_it(desk, clock):
    await desk.create("delayed", after_seconds=5)
    clock.turn(6)
    await desk.create("new")
    assert (await desk.claimed()).run_id == "delayed"
