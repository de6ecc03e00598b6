"""What the scheduler does with crons that are due."""

import datetime as dt
from functools import partial

import pytest

from fakes.cron_desk import CronDesk
from outrigger_server.brokers.in_process import InProcessWakeups
from outrigger_server.domain.run import CancelAction
from outrigger_server.errors import InvalidRequest, NotFound
from outrigger_server.stores.crons import CronFilter, CronPage
from outrigger_server.stores.runs import cancel_runs
from outrigger_server.stores.temporary_threads import delete_temporary_threads
from outrigger_server.stores.threads import delete_thread
from outrigger_telemetry import metric_specs as specs

MINUTE = 60
SECOND = 1_000_000


async def test_nothing_fires_before_it_is_due(crons, clock):
    cron = await crons.cron()
    clock.turn((cron.next_run_at - clock.now()) / SECOND - 1)
    assert await crons.fire_all() == pytest.approx(1.001)
    assert await crons.runs() == []


async def test_a_cron_that_is_due_creates_its_run_and_is_due_again(crons, clock):
    thread = await crons.thread()
    cron = await crons.cron(
        thread_id=thread, payload={"input": {"log": ["x"]}}, metadata={"team": "a"}
    )
    clock.turn(MINUTE)
    await crons.fire_all()
    (run,) = await crons.runs()
    assert (run.thread_id, run.source, run.kwargs["input"]) == (thread, "cron", {"log": ["x"]})
    assert run.kwargs["config"]["configurable"]["cron_id"] == cron.cron_id
    assert run.kwargs["temporary"] is False
    assert run.metadata["team"] == "a"
    assert (
        await crons.register.get(cron.cron_id)
    ).next_run_at == cron.next_run_at + MINUTE * SECOND
    assert crons.counted("created") == 1
    labels = {"assistant": "graph", "multitask_strategy": "enqueue", "source": "cron"}
    created = crons.creator.telemetry.metrics.value(specs.RUNS_CREATED_TOTAL, **labels)
    assert created == 1


@pytest.mark.parametrize(("keep", "temporary"), [(False, True), (True, False)])
async def test_a_stateless_cron_makes_a_thread_for_each_run(crons, clock, keep, temporary):
    await crons.cron(keep=keep)
    for _ in range(2):
        clock.turn(MINUTE)
        await crons.fire_all()
    first, second = await crons.runs()
    assert first.thread_id != second.thread_id
    assert [run.kwargs["temporary"] for run in (first, second)] == [temporary] * 2
    assert await crons.thread_count() == 2
    for run in (first, second):
        await crons.database.write(
            partial(
                cancel_runs,
                thread_id=run.thread_id,
                run_ids=[run.run_id],
                action=CancelAction.INTERRUPT,
                now=clock.now(),
                message=None,
            )
        )
    ended = partial(delete_temporary_threads, thread_ids=[first.thread_id, second.thread_id])
    await crons.database.write(ended)
    assert await crons.thread_count() == (0 if temporary else 2)


async def test_what_was_missed_while_nothing_ran_fires_once(crons, clock):
    cron = await crons.cron()
    clock.turn(3600)
    await crons.fire_all()
    assert len(await crons.runs()) == 1
    assert (await crons.register.get(cron.cron_id)).next_run_at > clock.now()


async def test_the_strategies_hold_for_crons_too(crons, clock):
    thread = await crons.thread()
    await crons.cron(thread_id=thread, payload={"multitask_strategy": "reject"})
    for _ in range(3):
        clock.turn(MINUTE)
        await crons.fire_all()
    assert len(await crons.runs()) == 1
    assert (crons.counted("created"), crons.counted("rejected")) == (1, 2)


async def test_an_interrupting_cron_ends_the_run_before(crons, clock):
    thread = await crons.thread()
    await crons.cron(thread_id=thread, payload={"multitask_strategy": "interrupt"})
    for _ in range(2):
        clock.turn(MINUTE)
        await crons.fire_all()
    assert [run.status.value for run in await crons.runs()] == ["interrupted", "pending"]


async def test_a_disabled_cron_does_not_fire_and_does_not_catch_up(crons, clock):
    cron = await crons.cron()
    await crons.register.patch(cron.cron_id, {"enabled": False}, {})
    clock.turn(10 * MINUTE)
    await crons.fire_all()
    enabled = await crons.register.patch(cron.cron_id, {"enabled": True}, {})
    await crons.fire_all()
    assert await crons.runs() == []
    assert enabled.next_run_at > clock.now()


async def test_a_cron_stops_at_its_end(crons, clock):
    cron = await crons.cron(end_at=clock.now() + 3 * MINUTE * SECOND)
    for _ in range(6):
        clock.turn(MINUTE)
        await crons.fire_all()
    assert len(await crons.runs()) == 3
    assert (await crons.register.get(cron.cron_id)).next_run_at is None


async def test_what_was_due_before_the_end_is_not_made_up_for_long_after_it(crons, clock):
    await crons.cron(end_at=clock.now() + 3 * MINUTE * SECOND)
    clock.turn(3600)
    await crons.fire_all()
    assert await crons.runs() == []
    assert crons.counted("ended") == 1


async def test_a_deleted_thread_takes_its_crons_along(crons, clock):
    thread = await crons.thread()
    cron = await crons.cron(thread_id=thread)
    await crons.database.write(lambda c: delete_thread(c, thread))
    clock.turn(MINUTE)
    await crons.fire_all()
    with pytest.raises(NotFound):
        await crons.register.get(cron.cron_id)
    assert await crons.runs() == []


async def test_a_cron_of_a_deleted_thread_is_not_kept(crons):
    with pytest.raises(NotFound, match="Thread with ID"):
        await crons.cron(thread_id="00000000-0000-0000-0000-00000000000b")


async def test_a_payload_that_went_bad_is_counted_and_the_cron_goes_on(crons, clock):
    cron = await crons.cron()
    clock.turn(MINUTE)
    bad = await crons.cron()
    await crons.spoil(bad, payload={"assistant_id": "x", "stream_mode": "nonsense"})
    for minute in (1, 2):
        clock.turn(MINUTE)
        await crons.fire_all()
        assert crons.counted("invalid") == minute
    assert len(await crons.runs()) == 2, "the other cron is not disturbed"
    assert await crons.thread_count() == 2, "a run that was refused leaves no thread"
    assert (await crons.register.get(bad.cron_id)).enabled
    assert (await crons.register.get(cron.cron_id)).next_run_at > clock.now()


async def test_a_schedule_that_means_nothing_any_more_switches_its_cron_off(crons, clock, database):
    cron = await crons.cron()
    await crons.spoil(cron, timezone="Gone/Away")
    clock.turn(MINUTE)
    await crons.fire_all()
    assert crons.counted("invalid") == 1
    found = await crons.register.get(cron.cron_id)
    assert (found.enabled, found.next_run_at) == (False, None)


async def test_an_assistant_that_is_gone_is_no_reason_to_stop(crons, clock):
    cron = await crons.cron()
    await crons.spoil(cron, assistant_id="gone")
    clock.turn(MINUTE)
    await crons.fire_all()
    assert (crons.counted("invalid"), await crons.runs()) == (1, [])
    assert (await crons.register.get(cron.cron_id)).next_run_at > clock.now()


@pytest.mark.parametrize(
    "payload", [{"stream_mode": "nonsense"}, {"checkpoint_id": "x"}, {"webhook": 3}]
)
async def test_a_payload_that_cannot_be_run_is_refused_when_it_is_kept(crons, payload):
    with pytest.raises(InvalidRequest):
        await crons.cron(payload=payload)
    assert (await crons.scheduler.fire_due()) == 5.0


HOOK = "https://example.org/hook"


async def test_a_cron_passes_its_webhook_on_to_its_runs(crons, clock):
    await crons.cron(payload={"webhook": HOOK})
    clock.turn(MINUTE)
    await crons.fire_all()
    (run,) = await crons.runs()
    assert run.kwargs["webhook"] == HOOK


async def test_a_webhook_that_may_not_be_called_is_refused_when_it_is_kept(crons):
    with pytest.raises(InvalidRequest, match="not public"):
        await crons.cron(payload={"webhook": "http://here.test/"})
    cron = await crons.cron(payload={"webhook": HOOK})
    with pytest.raises(InvalidRequest, match="not public"):
        await crons.register.patch(cron.cron_id, {}, {"webhook": "http://here.test/"})
    (kept,), total = await crons.register.search(CronFilter(), CronPage(limit=10, offset=0))
    assert (kept.payload["webhook"], total) == (HOOK, 1)


async def test_more_crons_than_fire_side_by_side_all_fire(database, clock):
    crons = CronDesk(database, clock, at_once=2)
    for _ in range(5):
        await crons.cron()
    clock.turn(MINUTE)
    await crons.fire_all()
    assert len(await crons.runs()) == 5


class PatientWakeups(InProcessWakeups):
    """Waits for a change however long it takes: the scheduler's slow look is no help."""

    async def wait(self, timeout: float) -> None:
        await super().wait(timeout=60)


async def test_a_new_cron_wakes_the_scheduler(database, clock):
    crons = CronDesk(database, clock, changes=PatientWakeups())
    async with crons.scheduler:
        await crons.cron()
        clock.turn(MINUTE)
        await crons.cron("0 0 1 1 *")
        await crons.creator.wakeups.wait(10)
        assert len(await crons.runs()) == 1


async def test_dst_is_kept_through_firing(crons, clock):
    berlin = "Europe/Berlin"
    evening = dt.datetime(2027, 10, 30, 20, tzinfo=dt.UTC).timestamp()
    clock.turn(evening - clock.now() / SECOND)
    await crons.cron("30 2 * * *", timezone=berlin)
    for _ in range(12):  # the night in which 02:30 comes twice
        clock.turn(30 * MINUTE)
        await crons.fire_all()
    (run,) = await crons.runs()
    assert (
        run.created_at
        == round(dt.datetime(2027, 10, 31, 0, 30, tzinfo=dt.UTC).timestamp()) * SECOND
    )
