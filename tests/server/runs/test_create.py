"""Creating a run with an idempotency key: once, however often and from wherever it is sent."""

import asyncio

import pytest

from fakes.counted_database import CountedDatabase
from fakes.empty_database import empty_database
from fakes.postgres_databases import postgres_template, postgres_uri
from fakes.run_creators import run_creator
from fakes.run_desk import RunDesk, request
from outrigger_server.domain.idempotency import IdempotencyKey
from outrigger_server.errors import Gone, InvalidRequest, NotFound, ThreadBusy
from outrigger_server.stores.postgres import PostgresDatabase

__all__ = ["postgres_template", "postgres_uri"]

KEY = IdempotencyKey("POST /threads/t/runs", "k", "digest")
OTHER_BODY = IdempotencyKey("POST /threads/t/runs", "k", "other")
AT_ONCE = 20


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request, tmp_path):
    if request.param == "sqlite":
        opening = empty_database(tmp_path / "data")
    else:
        opening = PostgresDatabase(request.getfixturevalue("postgres_uri"))
    async with opening as database:
        yield database


@pytest.fixture
async def creator(database, clock):
    return run_creator(database, clock)


async def run_ids(desk):
    return [run_id for (run_id,) in await desk.all("SELECT run_id FROM runs")]


async def test_the_same_key_leads_to_the_same_run(desk, creator):
    await desk.thread()
    first = await creator.create("t", request("a"), key=KEY)
    again = await creator.create("t", request("b"), key=KEY)
    assert again == first
    assert await run_ids(desk) == ["a"]


async def test_a_repetition_shows_the_run_as_it_is_now(desk, creator):
    await desk.thread()
    await creator.create("t", request("a"), key=KEY)
    await desk.finish(await desk.claimed())
    again = await creator.create("t", request("b"), key=KEY)
    assert (again.run_id, again.status) == ("a", "success")


async def test_a_repetition_cuts_nothing(desk, creator):
    await desk.thread()
    await creator.create("t", request("a", "interrupt"), key=KEY)
    await desk.finish(await desk.claimed())
    await desk.running("later")
    await creator.create("t", request("b", "interrupt"), key=KEY)
    assert (await desk.find("later")).cancel_action is None


async def test_another_body_is_refused_and_creates_nothing(desk, creator):
    await desk.thread()
    await creator.create("t", request("a"), key=KEY)
    with pytest.raises(InvalidRequest):
        await creator.create("t", request("b"), key=OTHER_BODY)
    assert await run_ids(desk) == ["a"]


async def test_a_refused_run_leaves_its_key_free(desk, creator):
    await desk.thread()
    await desk.create("present")
    before = await desk.dump()
    with pytest.raises(ThreadBusy):
        await creator.create("t", request("a", "reject"), key=KEY)
    assert await desk.dump() == before
    await desk.finish(await desk.claimed())
    assert (await creator.create("t", request("b", "reject"), key=OTHER_BODY)).run_id == "b"


async def test_a_run_on_a_missing_thread_leaves_its_key_free(desk, creator):
    with pytest.raises(NotFound):
        await creator.create("t", request("a"), key=KEY)
    assert (await creator.create("t", request("b"), key=OTHER_BODY, make_thread=True)) is not None


async def test_the_key_of_a_run_that_is_gone_creates_nothing_not_even_its_thread(desk, creator):
    await creator.create("t", request("a"), make_thread=True, key=KEY)
    await desk.roll_back(await desk.claimed())
    await desk.execute("DELETE FROM threads")
    with pytest.raises(Gone, match="rolled back or deleted"):
        await creator.create("t", request("b"), make_thread=True, key=KEY)
    assert await run_ids(desk) == []
    assert await desk.all("SELECT thread_id FROM threads") == []


async def test_of_many_requests_with_one_key_at_once_one_creates(desk, creator):
    await desk.thread()
    created = await asyncio.gather(
        *[creator.create("t", request(f"{n}"), key=KEY) for n in range(AT_ONCE)]
    )
    assert {run.run_id for run in created} == set(await run_ids(desk))
    assert len(await run_ids(desk)) == 1


async def test_of_many_requests_with_one_key_to_two_processes_one_creates(postgres_uri, clock):
    async with PostgresDatabase(postgres_uri) as one, PostgresDatabase(postgres_uri) as other:
        desk = RunDesk(one, clock)
        creators = [run_creator(one, clock), run_creator(other, clock)] * (AT_ONCE // 2)
        created = await asyncio.gather(
            *[
                each.create("t", request(f"{n}"), make_thread=True, key=KEY)
                for n, each in enumerate(creators)
            ]
        )
        assert [{run.run_id for run in created}] == [set(await run_ids(desk))]
        assert await desk.all("SELECT key FROM idempotency_keys") == [("k",)]


async def test_of_many_rejects_with_keys_of_their_own_one_key_is_kept(postgres_uri, clock):
    async with PostgresDatabase(postgres_uri) as one, PostgresDatabase(postgres_uri) as other:
        desk = RunDesk(one, clock)
        await desk.thread()
        creators = [run_creator(one, clock), run_creator(other, clock)] * (AT_ONCE // 2)
        outcomes = await asyncio.gather(
            *[
                each.create(
                    "t", request(f"{n}", "reject"), key=IdempotencyKey("POST /", f"{n}", "digest")
                )
                for n, each in enumerate(creators)
            ],
            return_exceptions=True,
        )
        (accepted,) = [each for each in outcomes if not isinstance(each, ThreadBusy)]
        keys = await desk.all("SELECT key, created_id FROM idempotency_keys")
        assert keys == [(accepted.run_id, accepted.run_id)]


async def test_a_create_without_a_key_costs_no_statement_more(desk, database, clock):
    await desk.thread()
    counted = CountedDatabase(database)
    await run_creator(counted, clock).create("t", request("a"))
    without = list(counted.statements)
    counted.statements.clear()
    await desk.finish(await desk.claimed())
    await run_creator(counted, clock).create("t", request("b"), key=KEY)
    (claim,) = [each for each in counted.statements if "idempotency_keys" in each]
    assert claim.startswith("INSERT INTO idempotency_keys")
    assert without == [each for each in counted.statements if each != claim]


async def test_a_repetition_costs_three_statements(desk, database, clock):
    await desk.thread()
    counted = CountedDatabase(database)
    creator = run_creator(counted, clock)
    await creator.create("t", request("a"), key=KEY)
    counted.statements.clear()
    await creator.create("t", request("b"), key=KEY)
    assert [each.partition(" ")[0] for each in counted.statements] == ["INSERT", "SELECT", "SELECT"]
