"""Threads: made, changed, held and removed."""

from functools import partial

import pytest

from outrigger_server.domain.run import RunStatus
from outrigger_server.domain.thread import ThreadOutcome, ThreadStatus
from outrigger_server.errors import AlreadyExists, Conflict, FencedWrite, NotFound, ThreadBusy
from outrigger_server.stores import threads
from outrigger_server.stores.fence import HoldFence


def hold(desk, token="token"):
    return desk.database.write(partial(threads.hold_thread, thread_id="t", token=token))


def release(desk, token="token", outcome=None):
    job = partial(
        threads.release_thread, thread_id="t", token=token, outcome=outcome, now=desk.clock.now()
    )
    return desk.database.write(job)


def patch(desk, thread_id="t", **metadata):
    job = partial(
        threads.patch_thread, thread_id=thread_id, metadata=metadata, now=desk.clock.now()
    )
    return desk.database.write(job)


async def test_a_new_thread_is_idle_and_empty(desk, clock):
    await desk.thread(k="v")
    thread = await desk.read_thread()
    assert (thread.status, thread.values, thread.error) == (ThreadStatus.IDLE, None, None)
    assert thread.metadata == {"k": "v"}
    assert thread.created_at == thread.updated_at == thread.state_updated_at == clock.now()


async def test_what_a_creation_returns_is_what_is_stored(desk):
    job = partial(threads.create_thread, thread_id="t", metadata={"k": [1]}, now=1)
    assert await desk.database.write(job) == await desk.read_thread()


async def test_a_second_thread_with_the_same_id_is_refused_and_changes_nothing(desk):
    await desk.thread(k="v")
    before = await desk.dump()
    with pytest.raises(AlreadyExists, match="Thread with ID t already exists"):
        await desk.thread(k="other")
    assert await desk.dump() == before


async def test_a_missing_thread_is_not_found(desk):
    with pytest.raises(NotFound, match="Thread with ID t not found"):
        await desk.read_thread()
    assert await desk.database.read(partial(threads.find_thread, thread_id="t")) is None


async def test_a_patch_merges_metadata_key_by_key(desk, clock):
    await desk.thread(a=1, b={"x": 1})
    clock.turn(1)
    thread = await patch(desk, b={"y": 2}, c=3)
    assert thread.metadata == {"a": 1, "b": {"y": 2}, "c": 3}
    assert thread.updated_at == clock.now()
    assert thread == await desk.read_thread()


async def test_a_patch_of_a_missing_thread_is_refused(desk):
    with pytest.raises(NotFound):
        await patch(desk, "nowhere", a=1)


@pytest.mark.parametrize("running", [True, False], ids=["running", "pending"])
async def test_a_thread_is_busy_while_a_run_is_in_flight(desk, running):
    await desk.thread()
    await desk.create("r")
    if running:
        await desk.claim()
    assert (await desk.read_thread()).status is ThreadStatus.BUSY


async def test_a_deleted_thread_takes_everything_with_it_and_names_its_runs_in_flight(desk):
    await desk.thread()
    await desk.finish(await desk.running("ended"))
    await desk.running("running")
    await desk.create("pending")
    for table, more, value in (
        ("checkpoints", "", ""),
        ("writes", ", task_id, idx, channel", ", 'task', 0, 'x'"),
        ("writes_kept", ", task_id, idx, channel, replaced_by", ", 'task', 0, 'x', 'r'"),
    ):
        await desk.execute(
            f"INSERT INTO {table} (thread_id, checkpoint_id{more}) VALUES ('t', 'c'{value})"
        )
    in_flight = await desk.database.write(partial(threads.delete_thread, thread_id="t"))
    assert [run.run_id for run in in_flight] == ["running", "pending"]
    assert {rows for table in (await desk.dump()).values() for rows in table} == set()


async def test_deleting_a_missing_thread_is_refused(desk):
    with pytest.raises(NotFound):
        await desk.database.write(partial(threads.delete_thread, thread_id="t"))


async def test_deleting_a_thread_leaves_the_others(desk):
    for name in ("t", "other"):
        await desk.thread(name)
        await desk.create(f"of {name}", thread=name)
    await desk.database.write(partial(threads.delete_thread, thread_id="t"))
    assert await desk.status("of other") == "pending"


async def test_only_the_holder_of_a_thread_passes_its_fence(desk):
    await desk.thread()
    await hold(desk)
    await desk.database.write(HoldFence("t", "token").check)
    with pytest.raises(FencedWrite):
        await desk.database.write(HoldFence("t", "another").check)


async def test_a_thread_that_is_held_cannot_be_held_again(desk):
    await desk.thread()
    await hold(desk)
    with pytest.raises(Conflict):
        await hold(desk, "another")
    await desk.database.write(HoldFence("t", "token").check)


async def test_a_missing_thread_cannot_be_held(desk):
    with pytest.raises(NotFound):
        await hold(desk)


async def test_a_busy_thread_cannot_be_held(desk):
    await desk.thread()
    await desk.create("later", after_seconds=60)
    with pytest.raises(ThreadBusy):
        await hold(desk)


async def test_a_released_thread_may_be_held_again(desk):
    await desk.thread()
    await hold(desk)
    await release(desk)
    await hold(desk, "another")
    with pytest.raises(FencedWrite):
        await desk.database.write(HoldFence("t", "token").check)


async def test_a_release_writes_the_state_that_the_hold_made(desk, clock):
    await desk.thread()
    await hold(desk)
    clock.turn(1)
    await release(desk, outcome=ThreadOutcome('{"n":1}', "{}", has_next=True))
    thread = await desk.read_thread()
    assert (thread.values, thread.status) == ('{"n":1}', ThreadStatus.INTERRUPTED)
    assert thread.state_updated_at == clock.now()


async def test_a_release_with_another_token_changes_nothing(desk):
    await desk.thread()
    await hold(desk)
    before = await desk.dump()
    await release(desk, "another", ThreadOutcome('{"n":1}', "{}", has_next=False))
    assert await desk.dump() == before


async def test_a_run_created_while_the_thread_is_held_starts_after_the_release(desk):
    await desk.thread()
    await hold(desk)
    await desk.create("r")
    assert (await desk.claim()).runs == ()
    await release(desk)
    assert (await desk.claimed()).run_id == "r"


async def test_a_thread_shows_an_error_until_a_later_run_clears_it(desk):
    await desk.thread()
    error = {"error": "E", "message": "m"}
    failed = ThreadOutcome("{}", "{}", has_next=False, error=error, failed=True)
    await desk.finish(await desk.running("r1"), RunStatus.ERROR, failed)
    assert (await desk.read_thread()).status is ThreadStatus.ERROR
    await desk.finish(await desk.running("r2"))
    thread = await desk.read_thread()
    assert (thread.status, thread.error) == (ThreadStatus.IDLE, None)
