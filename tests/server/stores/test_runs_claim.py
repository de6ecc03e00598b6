"""Claims and leases: who gets which run, and for how long."""

from functools import partial

import pytest
from sqlalchemy.exc import IntegrityError

from fakes.run_desk import LEASE_SECONDS
from outrigger_server.domain.run import AttemptToken, CancelAction, RunStatus
from outrigger_server.stores import claims, threads


@pytest.fixture(autouse=True)
async def thread(desk):
    await desk.thread()


def renew(*tokens, until=0):
    return partial(claims.renew_leases, tokens=tokens, lease_until=until)


async def test_a_claim_starts_the_run_for_its_owner_with_the_next_attempt(desk, clock):
    await desk.create("r")
    (run,) = (await desk.claim(owner="me")).runs
    assert (run.status, run.attempt, run.started_at) == (RunStatus.RUNNING, 1, clock.now())
    assert await desk.one("SELECT owner, lease_until, fenced FROM runs") == (
        "me",
        clock.now() + LEASE_SECONDS * 1_000_000,
        0,
    )


async def test_what_a_claim_returns_is_what_is_stored(desk):
    await desk.create("r", kwargs={"input": 1}, metadata={"k": 1})
    claimed = await desk.claimed()
    stored = await desk.find("r")
    assert claimed.token == stored.token
    assert (claimed.kwargs, claimed.metadata) == (stored.kwargs, stored.metadata)


async def test_every_claim_of_a_run_gives_it_the_next_attempt(desk):
    await desk.create("r")
    attempts = []
    for _ in range(3):
        run = await desk.claimed()
        attempts.append(run.attempt)
        await desk.hand_back(run)
    assert attempts == [1, 2, 3]


async def test_a_claim_takes_at_most_one_run_of_each_thread(desk):
    await desk.thread("other")
    for name in ("r1", "r2"):
        await desk.create(name)
        await desk.create(f"o{name}", thread="other")
    assert sorted(run.run_id for run in (await desk.claim()).runs) == ["or1", "r1"]


async def test_nothing_of_a_thread_is_claimed_while_one_of_its_runs_is_running(desk):
    await desk.running("r1")
    await desk.create("r2")
    assert (await desk.claim()).runs == ()


async def test_a_claim_takes_no_more_runs_than_its_limit_and_the_oldest_threads_first(desk, clock):
    for n in (3, 1, 2):
        await desk.thread(f"t{n}")
        await desk.create(f"r{n}", thread=f"t{n}")
        clock.turn(1)
    assert [run.run_id for run in (await desk.claim(limit=2)).runs] == ["r3", "r1"]
    assert [run.run_id for run in (await desk.claim(limit=2)).runs] == ["r2"]


async def test_many_waiting_runs_of_one_thread_hold_up_no_other_thread(desk):
    for n in range(20):
        await desk.create(f"r{n}")
    await desk.thread("other")
    await desk.create("o", thread="other")
    assert {run.run_id for run in (await desk.claim(limit=2)).runs} == {"r0", "o"}


async def test_a_claim_says_when_the_next_delayed_run_is_due(desk, clock):
    await desk.create("later", after_seconds=60)
    claimed = await desk.claim()
    assert claimed.runs == ()
    assert claimed.next_due == clock.now() + 60_000_000


async def test_nothing_delayed_means_nothing_is_due(desk):
    await desk.create("r")
    assert (await desk.claim()).next_due is None


async def test_a_held_thread_gives_no_run_until_it_is_released(desk, clock):
    await desk.database.write(partial(threads.hold_thread, thread_id="t", token="token"))
    await desk.create("r")
    assert (await desk.claim()).runs == ()
    release = partial(
        threads.release_thread, thread_id="t", token="token", outcome=None, now=clock.now()
    )
    await desk.database.write(release)
    assert (await desk.claimed()).run_id == "r"


async def test_the_table_itself_forbids_two_running_runs_on_one_thread(desk):
    await desk.running("r1")
    await desk.create("r2")
    with pytest.raises(IntegrityError):
        await desk.execute("UPDATE runs SET status = 'running' WHERE run_id = 'r2'")


async def test_a_renewal_moves_the_end_of_the_lease(desk):
    run = await desk.running("r")
    assert await desk.database.write(renew(run.token, until=77)) == claims.Renewal((), ())
    assert await desk.one("SELECT lease_until FROM runs") == (77,)


@pytest.mark.parametrize("action", CancelAction)
async def test_a_renewal_tells_that_the_run_is_cancelled(desk, action):
    run = await desk.running("r")
    await desk.cancel("r", action=action)
    renewal = await desk.database.write(renew(run.token))
    assert renewal == claims.Renewal(((run.token, action),), ())


async def test_a_renewal_tells_that_the_run_went_to_a_later_attempt(desk):
    old = await desk.running("r")
    await desk.hand_back(old)
    new = await desk.claimed()
    renewal = await desk.database.write(renew(old.token, new.token, until=99))
    assert renewal == claims.Renewal((), (old.token,))
    assert await desk.one("SELECT lease_until FROM runs") == (99,)


async def test_a_renewal_tells_that_the_run_has_ended_or_is_gone(desk):
    run = await desk.running("r")
    await desk.finish(run)
    nobody = AttemptToken("nobody", 1)
    renewal = await desk.database.write(renew(run.token, nobody))
    assert set(renewal.lost) == {run.token, nobody}


async def test_a_run_handed_back_is_pending_without_owner_and_blame(desk):
    run = await desk.running("r")
    assert await desk.hand_back(run) is True
    again = await desk.find("r")
    assert (again.status, again.attempt, again.handed_back) == (RunStatus.PENDING, 1, 1)
    assert await desk.one("SELECT owner, lease_until, fenced FROM runs") == (None, None, 1)


async def test_a_run_handed_back_goes_before_those_that_came_after_it(desk):
    run = await desk.running("r1")
    await desk.create("r2")
    await desk.hand_back(run)
    assert (await desk.claimed()).run_id == "r1"


async def test_a_run_that_is_being_cancelled_is_not_handed_back(desk):
    run = await desk.running("r")
    await desk.cancel("r")
    assert await desk.hand_back(run) is False
    assert await desk.status("r") == "running"


async def test_an_attempt_that_lost_its_run_cannot_hand_it_back(desk):
    old = await desk.running("r")
    await desk.hand_back(old)
    await desk.claim()
    assert await desk.hand_back(old) is False
    assert await desk.status("r") == "running"
