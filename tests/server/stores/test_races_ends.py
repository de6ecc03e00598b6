"""Two processes end, cancel, delete, hold and write at once, and get into each other's way."""

import asyncio
import threading
from functools import partial

import pytest
from sqlalchemy import text

from harness.writer_gate import Gate, behind
from outrigger_server.domain.run import CancelAction, RunStatus
from outrigger_server.errors import IllegalTransition, NotFound, StoreUnavailable
from outrigger_server.stores import claims, run_ends, threads
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.locks import lock_thread

CREATES = 20
ROUNDS = 20
DEADLINE_SECONDS = 20
ROOT = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


async def until_somebody_waits(desk):
    """Return once a transaction waits for another's lock."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (await desk.one("SELECT count(*) FROM pg_locks WHERE NOT granted"))[0]:
            await asyncio.sleep(0)


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
    async with asyncio.timeout(DEADLINE_SECONDS):
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
    # Once in its group, without patience, and once with all of it: never again after that.
    assert begun == ["t", "t"]
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
