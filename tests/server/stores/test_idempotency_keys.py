"""Idempotency keys in the table: claimed once, known for a day, forgotten in batches."""

from functools import partial

import pytest

from outrigger_server.domain.idempotency import KEPT_MICROSECONDS, IdempotencyKey
from outrigger_server.errors import InvalidRequest
from outrigger_server.stores.idempotency_keys import claim_key, forget_keys, release_key

DAY_SECONDS = KEPT_MICROSECONDS / 1_000_000
KEY = IdempotencyKey("POST /threads", "k", "digest")


@pytest.fixture
def claim(desk, clock):
    async def claim(new_id, key=KEY):
        job = partial(claim_key, key=key, new_id=new_id, now=clock.now())
        return await desk.database.write(job)

    return claim


async def forget(desk, limit=100):
    return await desk.database.write(partial(forget_keys, now=desk.clock.now(), limit=limit))


async def kept(desk):
    rows = await desk.all("SELECT key FROM idempotency_keys")
    return sorted(key for (key,) in rows)


async def test_a_new_key_is_claimed(claim):
    assert await claim("a") is None


async def test_a_known_key_says_what_it_created_first(claim):
    await claim("a")
    assert await claim("b") == "a"
    assert await claim("c") == "a"


async def test_keys_of_other_scopes_and_other_keys_are_others(claim):
    await claim("a")
    assert await claim("b", IdempotencyKey("POST /threads/t/runs", "k", "digest")) is None
    assert await claim("c", IdempotencyKey("POST /threads", "K", "digest")) is None


async def test_a_known_key_with_another_body_is_refused_and_keeps_the_first(claim, desk):
    await claim("a")
    before = await desk.dump()
    with pytest.raises(InvalidRequest, match="with another body to this path"):
        await claim("b", IdempotencyKey("POST /threads", "k", "other"))
    assert await desk.dump() == before


async def test_a_released_key_is_as_if_it_had_never_been_claimed(claim, desk):
    def claim_and_release(connection):
        assert claim_key(connection, KEY, "a", 1) is None
        release_key(connection, KEY)

    before = await desk.dump()
    await desk.database.write(claim_and_release)
    assert await desk.dump() == before
    assert await claim("b") is None


async def test_a_key_is_known_for_a_day_and_new_after_it(claim, clock):
    await claim("a")
    clock.turn(DAY_SECONDS - 0.000001)
    assert await claim("b") == "a"
    clock.turn(0.000001)
    assert await claim("c") is None
    assert await claim("d") == "c"


async def test_after_a_day_a_key_may_come_with_another_body(claim, clock):
    await claim("a")
    clock.turn(DAY_SECONDS)
    other = IdempotencyKey("POST /threads", "k", "other")
    assert await claim("b", other) is None
    assert await claim("c", other) == "b"


async def test_a_repetition_does_not_prolong_the_day(claim, clock):
    await claim("a")
    clock.turn(DAY_SECONDS / 2)
    await claim("b")
    clock.turn(DAY_SECONDS / 2)
    assert await claim("c") is None


async def test_only_keys_whose_day_is_over_are_forgotten(claim, desk, clock):
    await claim("a")
    clock.turn(DAY_SECONDS - 1)
    await claim("b", IdempotencyKey("POST /threads", "later", "digest"))
    assert await forget(desk) == 0
    clock.turn(1)
    assert await forget(desk) == 1
    assert await kept(desk) == ["later"]


async def test_no_more_keys_than_the_limit_are_forgotten_at_once_the_oldest_first(
    claim, desk, clock
):
    for n in range(5):
        await claim("a", IdempotencyKey("POST /threads", f"{n}", "digest"))
        clock.turn(1)
    clock.turn(DAY_SECONDS)
    assert await forget(desk, limit=3) == 3
    assert await kept(desk) == ["3", "4"]
    assert await forget(desk, limit=3) == 2
    assert await forget(desk, limit=3) == 0


async def test_a_key_that_another_process_is_at_is_not_waited_for(here, there, clock, gate):
    for name in ("held", "free"):
        key = IdempotencyKey("POST /threads", name, "digest")
        await here.database.write(partial(claim_key, key=key, new_id="a", now=clock.now()))
    clock.turn(DAY_SECONDS)
    held = IdempotencyKey("POST /threads", "held", "digest")

    def claims_and_waits(connection):
        claim_key(connection, held, "b", clock.now())
        gate(connection)

    claiming = here.database.begin_write(claims_and_waits)
    gate_entered = here.database.read(lambda _connection: gate.entered.wait())
    assert await gate_entered
    assert await forget(there) == 1
    gate.open()
    await claiming
    assert await kept(there) == ["held"]
