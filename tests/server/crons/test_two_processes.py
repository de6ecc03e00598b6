"""Two schedulers on one PostgreSQL: whatever is due fires once, whoever is faster."""

import asyncio
from functools import partial

from outrigger_server.errors import NotFound
from outrigger_server.stores.crons import due_crons
from outrigger_server.stores.threads import delete_thread

MINUTE = 60


async def due(desk):
    return (await desk.database.read(partial(due_crons, now=desk.clock.now(), limit=100))).crons


async def test_what_both_have_seen_as_due_fires_once(here, there, clock):
    thread = await here.thread()
    for number in range(20):
        await here.cron(thread_id=thread if number % 2 else None)
    clock.turn(MINUTE)
    seen_here, seen_there = await due(here), await due(there)
    assert len(seen_here) == len(seen_there) == 20
    await asyncio.gather(
        *(here.firer.fire(cron) for cron in seen_here),
        *(there.firer.fire(cron) for cron in reversed(seen_there)),
    )
    assert len(await here.runs()) == 20
    assert here.counted("created") + there.counted("created") == 20
    fired = {run.kwargs["config"]["configurable"]["cron_id"] for run in await here.runs()}
    assert fired == {cron.cron_id for cron in seen_here}


async def test_many_rounds_of_both_fire_each_minute_once(here, there, clock):
    await here.cron()
    await here.cron(keep=True)
    for _ in range(10):
        clock.turn(MINUTE)
        await asyncio.gather(here.fire_all(), there.fire_all())
    assert len(await here.runs()) == 20


async def test_a_wrong_payload_is_counted_once_for_both(here, there, clock):
    cron = await here.cron()
    await here.spoil(cron, payload={"assistant_id": "x", "stream_mode": "nonsense"})
    clock.turn(MINUTE)
    await asyncio.gather(here.fire_all(), there.fire_all())
    assert here.counted("invalid") + there.counted("invalid") == 1


async def test_a_thread_deleted_meanwhile_leaves_no_run_and_no_cron(here, there, clock):
    thread = await here.thread()
    for _ in range(5):
        await here.cron(thread_id=thread)
    clock.turn(MINUTE)
    crons = await due(here)
    await asyncio.gather(
        *(here.firer.fire(cron) for cron in crons),
        there.database.write(partial(delete_thread, thread_id=thread)),
    )
    assert await here.runs() == []
    for cron in crons:
        try:
            await here.register.get(cron.cron_id)
        except NotFound:
            continue
        raise AssertionError(cron)


async def test_a_change_made_elsewhere_counts_for_what_is_about_to_fire(here, there, clock):
    cron = await here.cron()
    clock.turn(MINUTE)
    (seen,) = await due(here)
    await there.register.patch(cron.cron_id, {"enabled": False}, {})
    await here.firer.fire(seen)
    assert await here.runs() == []
