"""Two processes on one database: whatever they do at once comes out as if one after the other."""

import asyncio
from functools import partial

import pytest

from outrigger_server.domain.multitask import MultitaskStrategy
from outrigger_server.errors import FencedWrite, IllegalTransition
from outrigger_server.stores import claims, threads
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.items import FencedStore
from outrigger_server.stores.locks import lock_thread

CREATES = 20
ROUNDS = 20
DEADLINE_SECONDS = 20
ROOT = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


async def create_at_once(here, there, strategy, thread="t"):
    desks = [here, there] * (CREATES // 2)
    creates = [
        desk.create(f"{thread}-{n}", strategy, thread=thread) for n, desk in enumerate(desks)
    ]
    return await asyncio.gather(*creates)


async def until_somebody_waits(desk):
    """Return once a transaction waits for another's lock."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (await desk.one("SELECT count(*) FROM pg_locks WHERE NOT granted"))[0]:
            await asyncio.sleep(0)


# -- creates -------------------------------------------------------------------


async def test_of_many_rejects_at_once_on_an_idle_thread_one_is_accepted(here, there):
    await here.thread()
    created = await create_at_once(here, there, MultitaskStrategy.REJECT)
    accepted = [each.run.run_id for each in created if each.run is not None]
    assert await here.all("SELECT run_id FROM runs") == [(run_id,) for run_id in accepted]
    assert len(accepted) == 1


async def test_many_enqueued_at_once_all_wait_and_know_their_place(here, there):
    await here.thread()
    created = await create_at_once(here, there, MultitaskStrategy.ENQUEUE)
    assert sorted(each.queue_length for each in created) == list(range(CREATES))
    by_place = sorted(created, key=lambda each: each.queue_length)
    order = await here.all("SELECT run_id FROM runs ORDER BY created_at, seq")
    assert order == [(each.run.run_id,) for each in by_place]


@pytest.mark.parametrize("running", [True, False], ids=["behind a running run", "alone"])
@pytest.mark.parametrize("strategy", [MultitaskStrategy.INTERRUPT, MultitaskStrategy.ROLLBACK])
async def test_of_many_that_replace_one_another_the_last_is_left(here, there, strategy, running):
    await here.thread()
    if running:
        await here.running("victim")
    created = await create_at_once(here, there, strategy)
    statuses = dict(await here.all("SELECT run_id, status FROM runs"))
    (last,) = [run_id for run_id, status in statuses.items() if status == "pending"]
    dropped = [run.run_id for each in created for run in each.dropped]
    assert sorted([last, *dropped]) == sorted(each.run.run_id for each in created)
    gone = strategy is MultitaskStrategy.ROLLBACK
    assert len(statuses) == running + (1 if gone else CREATES)
    if running:
        (action,) = await here.one("SELECT cancel_action FROM runs WHERE run_id = 'victim'")
        assert action == strategy.value


async def test_creates_of_every_strategy_on_many_threads_leave_sound_heads(here, there):
    names = [f"t{n}" for n in range(4)]
    for name in names:
        await here.thread(name)
    for strategy in MultitaskStrategy:
        await asyncio.gather(
            *[
                desk.create(f"{strategy}-{name}-{desk is here}", strategy, thread=name)
                for name in names
                for desk in (here, there)
            ]
        )
    wrong = await here.all(
        "SELECT thread_id FROM threads t WHERE head_at IS DISTINCT FROM (SELECT min(created_at) "
        "FROM runs r WHERE r.thread_id = t.thread_id AND status = 'pending')"
    )
    assert wrong == []


async def test_two_that_make_the_same_thread_make_it_once(here, there, clock):
    make = partial(threads.ensure_thread, thread_id="t", now=clock.now())
    await asyncio.gather(*[desk.database.write(make) for desk in [here, there] * 5])
    assert await here.all("SELECT thread_id FROM threads") == [("t",)]


async def test_patches_at_once_lose_none(here, there, clock):
    await here.thread()
    patches = [
        desk.database.write(
            partial(threads.patch_thread, thread_id="t", metadata={f"{n}": n}, now=clock.now())
        )
        for n, desk in enumerate([here, there] * 10)
    ]
    await asyncio.gather(*patches)
    assert len((await here.read_thread()).metadata) == 20


# -- claims --------------------------------------------------------------------


async def claim_all(desk, found):
    while claimed := (await desk.claim(limit=3, owner=str(id(desk)))).runs:
        found += claimed


async def test_claims_at_once_give_every_run_to_one_owner_only(here, there):
    for n in range(40):
        await here.thread(f"t{n}")
    await asyncio.gather(*[here.create(f"r{n}", thread=f"t{n}") for n in range(40)])
    found = []
    await asyncio.gather(*[claim_all(desk, found) for desk in [here, there] * 3])
    assert sorted(run.run_id for run in found) == sorted(f"r{n}" for n in range(40))
    assert {run.attempt for run in found} == {1}


async def test_a_thread_runs_one_run_at_a_time_whoever_claims(here, there):
    await here.thread()
    await create_at_once(here, there, MultitaskStrategy.ENQUEUE)
    done = []

    async def work(desk):
        while len(done) < CREATES:
            for run in (await desk.claim()).runs:
                assert await desk.all("SELECT run_id FROM runs WHERE status = 'running'") == [
                    (run.run_id,)
                ]
                await desk.finish(run)
                done.append(run.run_id)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(work(here), work(there))
    order = await here.all("SELECT run_id FROM runs ORDER BY created_at, seq")
    assert [(run_id,) for run_id in done] == order


async def test_a_claim_leaves_out_a_thread_that_another_is_at_and_comes_back_soon(
    here, there, gate, clock
):
    for name in ("t", "other"):
        await here.thread(name)
        await here.create(f"of {name}", thread=name)

    def hold_up(connection):
        lock_thread(connection, "t")
        gate(connection)

    held = asyncio.create_task(there.database.write(hold_up))
    await asyncio.to_thread(gate.entered.wait)
    claimed = await here.claim()
    assert [run.run_id for run in claimed.runs] == ["of other"]
    assert claimed.next_due == clock.now() + claims.SKIPPED_MICROSECONDS
    gate.open()
    await held
    assert (await here.claimed()).run_id == "of t"


async def test_sweeps_at_once_take_every_lapsed_run_back_once(here, there):
    for n in range(10):
        await here.thread(f"t{n}")
        await here.running(f"r{n}", thread=f"t{n}")
    await here.outlive_lease()
    sweeps = await asyncio.gather(*[desk.recover() for desk in [here, there] * 3])
    requeued = sorted(run.run_id for swept in sweeps for run in swept.requeued)
    assert requeued == sorted(f"r{n}" for n in range(10))


# -- fences --------------------------------------------------------------------


async def test_an_attempt_that_another_process_took_over_can_write_nothing(here, there, observer):
    await here.thread()
    run = await here.running("r")
    await there.outlive_lease()
    await there.recover()
    again = await there.claimed()
    saver = FencedSaver(here.database, RunFence(run.token), observer)
    checkpoint = {"v": 4, "id": "1", "ts": "", "channel_values": {}, "channel_versions": {}}
    with pytest.raises(FencedWrite):
        await saver.aput(ROOT, checkpoint, {}, {})
    place = {"configurable": {**ROOT["configurable"], "checkpoint_id": "1"}}
    with pytest.raises(FencedWrite):
        await saver.aput_writes(place, [("a", 1)], "task")
    with pytest.raises(FencedWrite):
        await FencedStore(here.database, RunFence(run.token), observer).aput(("n",), "k", {})
    with pytest.raises(IllegalTransition):
        await here.finish(run)
    assert not await here.hand_back(run)
    assert (await there.find("r")).attempt == again.attempt


async def test_a_fence_closes_only_when_what_passed_it_before_is_written(here, there, gate):
    await here.thread()
    run = await here.running("r")

    def passes_and_waits(connection):
        RunFence(run.token).check(connection)
        gate(connection)

    writing = asyncio.create_task(here.database.write(passes_and_waits))
    await asyncio.to_thread(gate.entered.wait)
    close = partial(claims.close_fence, token=run.token)
    closing = asyncio.create_task(there.database.write(close))
    await until_somebody_waits(there)
    assert not closing.done()
    gate.open()
    await writing
    await closing
    with pytest.raises(FencedWrite):
        await here.database.write(RunFence(run.token).check)
