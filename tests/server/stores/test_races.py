"""Two processes on one database: whatever they do at once comes out as if one after the other."""

import asyncio
import threading
from functools import partial

import pytest
from sqlalchemy import text

from fakes.run_desk import RunDesk
from harness.writer_gate import Gate, behind
from outrigger_server.domain.multitask import MultitaskStrategy
from outrigger_server.domain.run import CancelAction, RunStatus
from outrigger_server.errors import FencedWrite, IllegalTransition, NotFound, StoreUnavailable
from outrigger_server.stores import claims, run_ends, threads
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.dialect import lock_thread
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.items import FencedStore
from outrigger_server.stores.postgres import PostgresDatabase

CREATES = 20
ROUNDS = 20
ROOT = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


@pytest.fixture
async def here(postgres_database, clock):
    return RunDesk(postgres_database, clock)


@pytest.fixture
async def there(postgres_uri, clock):
    async with PostgresDatabase(postgres_uri) as database:
        yield RunDesk(database, clock)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


async def create_at_once(here, there, strategy, thread="t"):
    desks = [here, there] * (CREATES // 2)
    creates = [
        desk.create(f"{thread}-{n}", strategy, thread=thread) for n, desk in enumerate(desks)
    ]
    return await asyncio.gather(*creates)


async def until_somebody_waits(desk):
    """Return once a transaction waits for another's lock."""
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


# -- ends ----------------------------------------------------------------------


@pytest.mark.parametrize("action", CancelAction)
async def test_an_end_and_a_cancel_at_once_have_one_outcome(here, there, action):
    for n in range(ROUNDS):
        await here.thread(f"t{n}")
        run = await here.running(f"r{n}", thread=f"t{n}")
        first, second = (here, there) if n % 2 else (there, here)
        cancelled, _ = await asyncio.gather(
            first.cancel(run.run_id, action=action, thread=f"t{n}"), second.finish(run)
        )
        rolled_back = cancelled.signalled and action is CancelAction.ROLLBACK
        assert await here.status(run.run_id) == (None if rolled_back else "success")
        assert (await here.read_thread(f"t{n}")).status == "idle"


async def test_of_two_ends_of_one_attempt_one_counts(here, there):
    await here.thread()
    run = await here.running("r")
    outcomes = await asyncio.gather(
        here.finish(run, RunStatus.SUCCESS),
        there.finish(run, RunStatus.ERROR),
        return_exceptions=True,
    )
    assert sorted(isinstance(each, IllegalTransition) for each in outcomes) == [False, True]
    expected = "success" if not isinstance(outcomes[0], Exception) else "error"
    assert await here.status("r") == expected


async def test_a_create_and_the_deletion_of_its_thread_leave_no_orphan(here, there):
    for n in range(ROUNDS):
        await here.thread(f"t{n}")
        delete = partial(threads.delete_thread, thread_id=f"t{n}")
        created, _ = await asyncio.gather(
            here.create(f"r{n}", thread=f"t{n}"),
            there.database.write(delete),
            return_exceptions=True,
        )
        assert isinstance(created, NotFound) or created.run is not None
    assert await here.all("SELECT run_id FROM runs") == []


async def test_a_hold_and_a_create_at_once_exclude_each_other(here, there):
    for n in range(ROUNDS):
        await here.thread(f"t{n}")
        hold = partial(threads.hold_quiet_thread, thread_id=f"t{n}", token="token")
        await asyncio.gather(
            here.create(f"r{n}", thread=f"t{n}"), there.database.write(hold), here.claim()
        )
        held_and_running = await here.all(
            "SELECT 1 FROM threads JOIN runs USING (thread_id) "
            "WHERE hold_token IS NOT NULL AND status = 'running'"
        )
        assert held_and_running == []


async def test_a_hold_that_was_not_released_in_time_ends_and_its_holder_is_fenced(
    here, there, clock
):
    await here.thread()
    until = clock.now() + 60_000_000
    await here.database.write(
        partial(threads.hold_thread, thread_id="t", token="gone", until=until)
    )
    await here.create("r")
    assert await there.database.write(partial(claims.end_lapsed_holds, now=clock.now())) == 0
    clock.turn(61)
    assert await there.database.write(partial(claims.end_lapsed_holds, now=clock.now())) == 1
    assert (await there.claimed()).run_id == "r"


# -- locks ---------------------------------------------------------------------


def touches(first, second, meanwhile):
    """A job that writes two threads, and the number of times it was begun."""
    begun = []

    def job(connection):
        begun.append(first)
        update = text("UPDATE threads SET updated_at = updated_at + 1 WHERE thread_id = :thread")
        connection.execute(update, {"thread": first})
        meanwhile.wait()
        connection.execute(update, {"thread": second})

    return job, begun


class Meeting:
    """Waits for the other, the first time."""

    def __init__(self):
        self._barrier = threading.Barrier(2)
        self._met = False

    def wait(self):
        if not self._met:
            self._barrier.wait()
            self._met = True


async def test_a_deadlock_is_undone_and_both_jobs_are_done(here, there):
    for name in ("a", "b"):
        await here.thread(name)
    start = [await here.one("SELECT updated_at FROM threads WHERE thread_id = ?", n) for n in "ab"]
    meeting = Meeting()
    forth, begun_forth = touches("a", "b", meeting)
    back, begun_back = touches("b", "a", meeting)
    await asyncio.gather(here.database.write(forth), there.database.write(back))
    assert len(begun_forth + begun_back) == 3
    end = [await here.one("SELECT updated_at FROM threads WHERE thread_id = ?", n) for n in "ab"]
    assert end == [(before[0] + 2,) for before in start]


async def test_a_job_that_must_wait_holds_up_none_of_those_before_it(here, there, gate):
    for name in ("t", "other"):
        await here.thread(name)

    def hold_up(connection):
        lock_thread(connection, "t")
        gate(connection)

    held = asyncio.create_task(there.database.write(hold_up))
    await asyncio.to_thread(gate.entered.wait)
    mine = Gate()
    waiting = asyncio.create_task(
        behind(
            mine,
            here.database,
            partial(threads.ensure_thread, thread_id="new", now=1),
            partial(lock_thread, thread_id="t"),
            partial(threads.ensure_thread, thread_id="newer", now=1),
        )
    )
    while await there.database.read(partial(threads.find_thread, thread_id="new")) is None:
        await asyncio.sleep(0)
    assert not waiting.done()
    gate.open()
    await held
    assert await waiting == [None, None, None]
    assert await there.database.read(partial(threads.find_thread, thread_id="newer")) is not None


async def test_a_row_that_is_not_let_go_makes_only_its_own_jobs_unavailable(here, there, gate):
    for name in ("t", "other"):
        await here.thread(name)

    def hold_up(connection):
        lock_thread(connection, "t")
        gate(connection)

    held = asyncio.create_task(there.database.write(hold_up))
    await asyncio.to_thread(gate.entered.wait)
    begun = []

    def patient(connection):
        begun.append("t")
        lock_thread(connection, "t")

    outcomes = await behind(
        Gate(), here.database, patient, partial(threads.ensure_thread, thread_id="new", now=1)
    )
    assert isinstance(outcomes[0], StoreUnavailable)
    assert outcomes[1] is None
    assert begun == ["t"]
    gate.open()
    await held


async def test_a_rollback_and_a_write_of_the_same_attempt_leave_no_trace(here, there, observer):
    for n in range(ROUNDS):
        await here.thread(f"t{n}")
        run = await here.running(f"r{n}", thread=f"t{n}")
        saver = FencedSaver(here.database, RunFence(run.token), observer)
        place = {"configurable": {"thread_id": f"t{n}", "checkpoint_ns": ""}}
        values = {"list": [n]}
        checkpoint = {
            "v": 4,
            "id": "1",
            "ts": "",
            "channel_values": values,
            "channel_versions": {"list": "1.0"},
        }
        await asyncio.gather(
            saver.aput(place, checkpoint, {}, {"list": "1.0"}),
            there.database.write(partial(run_ends.roll_back_run, run=run, now=1)),
            return_exceptions=True,
        )
    for table in ("checkpoints", "checkpoint_blobs", "writes", "runs"):
        assert await here.all(f"SELECT * FROM {table}") == []
