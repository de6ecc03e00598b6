"""Webhooks in the table: written with a run's end, claimed by one, kept until they are made."""

from functools import partial

import pytest

from outrigger_server.domain.run import CancelAction, RunStatus
from outrigger_server.domain.thread import ThreadOutcome
from outrigger_server.errors import IllegalTransition
from outrigger_server.stores.threads import delete_thread
from outrigger_server.stores.webhooks import (
    claim_deliveries,
    end_delivery,
    first_due,
    postpone_delivery,
)

URL = "https://example.org/hook"
WITH_WEBHOOK = {"kwargs": {"webhook": URL}}
ROLLBACK = CancelAction.ROLLBACK
DONE = ThreadOutcome(values='{"k":1}', interrupts="{}", has_next=False)
FAILED = ThreadOutcome(
    values='{"k":1}',
    interrupts="{}",
    has_next=False,
    error={"error": "ValueError", "message": "boom"},
    failed=True,
)
SECOND = 1_000_000


@pytest.fixture(autouse=True)
async def thread(desk):
    await desk.thread()


@pytest.fixture
def claim(desk, clock):
    async def claim(limit=10):
        now = clock.now()
        job = partial(claim_deliveries, now=now, until=now + 30 * SECOND, limit=limit)
        return await desk.database.write(job)

    return claim


def told(deliveries):
    return [(each.run["run_id"], each.run["status"], each.run.get("error")) for each in deliveries]


async def test_the_end_of_a_run_is_told_with_what_it_left(desk, clock, claim):
    run = await desk.running("r", **WITH_WEBHOOK)
    clock.turn(5)
    await desk.finish(run, outcome=DONE)
    (delivery,) = await claim()
    assert told([delivery]) == [("r", "success", None)]
    assert (delivery.url, delivery.values, delivery.tries) == (URL, '{"k":1}', 1)
    assert delivery.run["run_started_at"] < delivery.run["run_ended_at"]
    assert delivery.run["kwargs"]["webhook"] == URL


async def test_a_failure_is_told_with_its_error(desk, claim):
    await desk.finish(await desk.running("r", **WITH_WEBHOOK), RunStatus.ERROR, FAILED)
    assert told(await claim()) == [("r", "error", {"error": "ValueError", "message": "boom"})]


async def test_a_run_without_a_webhook_tells_nobody(desk, claim):
    await desk.finish(await desk.running("r"))
    await desk.create("s")
    await desk.cancel("s")
    assert await claim() == ()


async def test_a_superseded_run_is_told_with_what_superseded_it(desk, claim):
    run = await desk.running("r", **WITH_WEBHOOK)
    await desk.create("n", "interrupt")
    await desk.finish(run, RunStatus.INTERRUPTED, DONE)
    message = "superseded by run n (multitask_strategy=interrupt)"
    (delivery,) = await claim()
    error = {"error": "UserInterrupt", "message": message}
    assert told([delivery]) == [("r", "interrupted", error)]
    assert delivery.values == '{"k":1}'


async def test_a_rolled_back_run_is_told_though_its_row_is_gone(desk, claim):
    await desk.running("r", **WITH_WEBHOOK)
    await desk.create("n", "rollback")
    await desk.roll_back(await desk.find("r"))
    (delivery,) = await claim()
    message = "superseded by run n (multitask_strategy=rollback)"
    error = {"error": "UserRollback", "message": message}
    assert told([delivery]) == [("r", "rollback", error)]
    assert delivery.values is None
    assert await desk.find("r") is None


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        (CancelAction.INTERRUPT, "interrupted", "UserInterrupt"),
        (CancelAction.ROLLBACK, "rollback", "UserRollback"),
    ],
)
async def test_a_run_that_ends_before_it_starts_is_told(desk, claim, action, status, kind):
    await desk.create("r", **WITH_WEBHOOK)
    await desk.cancel("r", action=action)
    (delivery,) = await claim()
    assert told([delivery]) == [("r", status, {"error": kind, "message": "stop"})]
    assert delivery.run["run_started_at"] is None


async def test_a_run_whose_thread_is_deleted_is_not_told(desk, claim):
    await desk.running("r", **WITH_WEBHOOK)
    await desk.database.write(partial(delete_thread, thread_id="t"))
    assert await claim() == ()


async def test_a_webhook_outlives_the_thread_of_its_run(desk, claim):
    await desk.finish(await desk.running("r", **WITH_WEBHOOK))
    await desk.database.write(partial(delete_thread, thread_id="t"))
    assert told(await claim()) == [("r", "success", None)]


async def test_what_is_claimed_is_nobody_elses_until_the_claim_ends(desk, clock, claim):
    await desk.finish(await desk.running("r", **WITH_WEBHOOK))
    assert len(await claim()) == 1
    assert await claim() == ()
    clock.turn(31)
    (again,) = await claim()
    assert again.tries == 2


async def test_no_more_is_claimed_than_asked_for_and_the_oldest_first(desk, clock, claim):
    for name in ("a", "b", "c"):
        await desk.finish(await desk.running(name, **WITH_WEBHOOK))
        clock.turn(1)
    assert [run for run, *_ in told(await claim(2))] == ["a", "b"]
    assert [run for run, *_ in told(await claim(2))] == ["c"]


async def test_a_delivery_that_was_made_is_forgotten(desk, claim):
    await desk.finish(await desk.running("r", **WITH_WEBHOOK))
    (delivery,) = await claim()
    await desk.database.write(partial(end_delivery, delivery=delivery))
    assert await desk.database.read(first_due) is None


async def test_a_delivery_that_failed_is_made_again_later(desk, clock, claim):
    await desk.finish(await desk.running("r", **WITH_WEBHOOK))
    (delivery,) = await claim()
    due = clock.now() + 2 * SECOND
    await desk.database.write(partial(postpone_delivery, delivery=delivery, due_at=due))
    assert await desk.database.read(first_due) == due
    assert await claim() == ()
    clock.turn(2)
    assert [each.tries for each in await claim()] == [2]


async def test_who_lost_a_claim_decides_nothing_any_more(desk, clock, claim):
    await desk.finish(await desk.running("r", **WITH_WEBHOOK))
    (lost,) = await claim()
    clock.turn(31)
    (held,) = await claim()
    await desk.database.write(partial(end_delivery, delivery=lost))
    await desk.database.write(partial(postpone_delivery, delivery=lost, due_at=clock.now()))
    assert await desk.database.read(first_due) == held.due_at


async def test_an_attempt_that_lost_its_run_tells_nobody(desk, claim):
    run = await desk.running("r", **WITH_WEBHOOK)
    await desk.hand_back(run)
    assert await desk.claim()
    with pytest.raises(IllegalTransition):
        await desk.finish(run)
    assert await claim() == ()
