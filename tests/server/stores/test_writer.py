"""The writer thread: group commits, one job's failure, and jobs nobody waits for any more."""

import asyncio

import pytest

from fakes.run_desk import worded
from harness.writer_gate import Gate, behind
from outrigger_server.errors import StoreUnavailable
from outrigger_server.stores.sqlite import SqliteDatabase

PUT = "INSERT INTO store (prefix, key, value) VALUES ('p', ?, ?)"


def put(key, value="1"):
    def job(connection):
        connection.exec_driver_sql(worded(connection, PUT), (key, value))
        return 1

    return job


def keys(connection):
    return sorted(connection.exec_driver_sql("SELECT key FROM store").scalars())


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


async def test_jobs_that_wait_together_need_fewer_commits_than_there_are_jobs(database, gate):
    before = database.writer.commits
    await behind(gate, database, *[put(f"k{n}") for n in range(50)])
    assert database.writer.commits - before == 2


async def test_jobs_run_in_the_order_they_were_handed_over(database, gate):
    order = []
    await behind(gate, database, *[lambda _c, n=n: order.append(n) for n in range(50)])
    assert order == list(range(50))


async def test_a_failing_job_takes_no_other_job_of_its_group_with_it(database, gate):
    def fails(connection):
        put("half")(connection)
        raise ZeroDivisionError

    outcomes = await behind(gate, database, put("a"), fails, put("b"))
    assert [type(outcome) for outcome in outcomes] == [int, ZeroDivisionError, int]
    assert await database.read(keys) == ["a", "b"]


async def test_a_job_sees_what_the_jobs_before_it_in_its_group_wrote(database, gate):
    _, seen = await behind(gate, database, put("a"), keys)
    assert seen == ["a"]


async def test_a_result_is_handed_out_only_once_another_connection_sees_the_write(database):
    for n in range(20):
        await database.write(put(f"k{n:02}"))
        assert f"k{n:02}" in await database.read(keys)


async def test_the_job_of_a_cancelled_caller_is_done_all_the_same(database, gate):
    held = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.entered.wait)
    caller = asyncio.create_task(database.write(put("kept")))
    while database.writer.waiting < 1:
        await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    gate.open()
    await held
    await database.write(put("later"))
    assert await database.read(keys) == ["kept", "later"]


async def test_plain_threads_get_the_result_of_their_job(database):
    assert await asyncio.to_thread(database.write_blocking, put("k")) == 1


async def test_plain_threads_get_the_error_of_their_job(database):
    def fails(_connection):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(database.write_blocking, fails)


async def test_a_caller_whose_loop_is_gone_does_not_stop_the_writer(database, gate):
    held = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.entered.wait)

    def hand_over_and_leave():
        loop = asyncio.new_event_loop()
        caller = loop.create_task(database.write(put("orphan")))
        while database.writer.waiting < 1:
            loop.run_until_complete(asyncio.sleep(0))
        caller.cancel()
        loop.run_until_complete(asyncio.gather(caller, return_exceptions=True))
        loop.close()

    await asyncio.to_thread(hand_over_and_leave)
    gate.open()
    await held
    await database.write(put("next"))
    assert await database.read(keys) == ["next", "orphan"]


async def test_a_job_handed_over_after_the_close_is_refused(tmp_path):
    async with SqliteDatabase(tmp_path) as database:
        pass
    with pytest.raises(StoreUnavailable, match="stopping"):
        await database.write(put("late"))


async def test_a_stop_finishes_what_was_handed_over_before_it(tmp_path, gate):
    async with SqliteDatabase(tmp_path) as database:
        held = asyncio.create_task(database.write(gate))
        await asyncio.to_thread(gate.entered.wait)
        last = asyncio.create_task(database.write(put("last")))
        while database.writer.waiting < 1:
            await asyncio.sleep(0)
        gate.open()
    await held
    assert await last == 1
