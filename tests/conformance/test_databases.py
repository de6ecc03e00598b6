"""What every database does for the rest of the server; see `Database`."""

import asyncio

import pytest
from sqlalchemy import column, table

from outrigger_server.errors import StoreUnavailable

JOBS = 50

store = table("store", column("prefix"), column("key"), column("value"))


def put(key):
    def job(connection):
        connection.execute(store.insert(), {"prefix": "p", "key": key, "value": "1"})
        return 1

    return job


def keys(connection):
    return sorted(connection.execute(store.select().with_only_columns(store.c.key)).scalars())


def fail_after(job, error):
    def fails(connection):
        job(connection)
        raise error

    return fails


async def test_a_write_returns_what_its_job_returns(database):
    assert await database.write(lambda _connection: "result") == "result"


async def test_what_was_acknowledged_is_read_at_once(database):
    await database.write(put("k"))
    assert await database.read(keys) == ["k"]


async def test_a_job_that_raises_leaves_no_trace_and_its_error_is_raised(database):
    with pytest.raises(ZeroDivisionError):
        await database.write(fail_after(put("half"), ZeroDivisionError()))
    assert await database.read(keys) == []


async def test_jobs_handed_over_at_once_are_all_done_however_many_fail(database):
    jobs = [
        put(f"{n:02}") if n % 3 else fail_after(put(f"{n:02}"), ZeroDivisionError())
        for n in range(JOBS)
    ]
    outcomes = await asyncio.gather(*map(database.write, jobs), return_exceptions=True)
    assert [isinstance(each, ZeroDivisionError) for each in outcomes] == [
        n % 3 == 0 for n in range(JOBS)
    ]
    assert await database.read(keys) == [f"{n:02}" for n in range(JOBS) if n % 3]


async def test_a_job_never_sees_half_of_another(database):
    def put_two(number):
        def job(connection):
            seen = keys(connection)
            put(f"{number:02}a")(connection)
            put(f"{number:02}b")(connection)
            return len(seen) % 2

        return job

    assert not any(await asyncio.gather(*[database.write(put_two(n)) for n in range(JOBS)]))


async def test_a_read_sees_one_snapshot(database):
    def reads_twice(connection):
        before = keys(connection)
        database.write_blocking(put("meanwhile"))
        return before, keys(connection)

    before, after = await database.read(reads_twice)
    assert before == after


async def test_reads_go_on_while_a_write_takes_long(database):
    entered, leave = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def long_job(_connection):
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(leave.wait(), loop).result()

    writing = asyncio.create_task(database.write(long_job))
    await entered.wait()
    assert await database.read(keys) == []
    leave.set()
    await writing


async def test_a_read_that_raises_leaves_the_database_usable(database):
    with pytest.raises(ZeroDivisionError):
        await database.read(fail_after(keys, ZeroDivisionError()))
    assert await database.read(keys) == []


async def test_a_read_cannot_write(database):
    with pytest.raises(StoreUnavailable):
        await database.read(put("k"))
    assert await database.read(keys) == []


async def test_cancelling_the_caller_does_not_take_its_job_back(database):
    entered, leave = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def long_job(connection):
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(leave.wait(), loop).result()
        return put("kept")(connection)

    caller = asyncio.create_task(database.write(long_job))
    await entered.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    leave.set()
    await database.write(put("later"))
    assert await database.read(keys) == ["kept", "later"]


async def test_plain_threads_write_and_read(database):
    assert await asyncio.to_thread(database.write_blocking, put("k")) == 1
    assert await asyncio.to_thread(database.read_blocking, keys) == ["k"]


async def test_another_event_loop_may_use_the_database_too(database):
    def on_its_own_loop():
        async def use():
            await database.write(put("k"))
            return await database.read(keys)

        return asyncio.run(use())

    assert await asyncio.to_thread(on_its_own_loop) == ["k"]


async def test_what_was_acknowledged_is_there_after_a_restart(make_database):
    async with make_database() as database:
        await database.write(put("k"))
    async with make_database() as database:
        assert await database.read(keys) == ["k"]


async def test_a_closed_database_refuses_writes(make_database):
    async with make_database() as database:
        pass
    with pytest.raises(StoreUnavailable):
        await database.write(put("late"))


async def test_a_closed_database_refuses_reads(make_database):
    async with make_database() as database:
        pass
    with pytest.raises(StoreUnavailable):
        await database.read(keys)


async def test_a_database_may_be_closed_twice(make_database):
    async with make_database() as database:
        pass
    await database.__aexit__(None, None, None)
