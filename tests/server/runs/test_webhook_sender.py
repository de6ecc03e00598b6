"""Delivering webhooks to a real receiver: once when all is well, again when it is not."""

import asyncio
import hashlib
import hmac
from contextlib import asynccontextmanager

import pytest

from fakes.empty_database import empty_database
from fakes.postgres_databases import postgres_template, postgres_uri
from harness.receiver import started_receiver
from outrigger_server.domain.thread import ThreadOutcome
from outrigger_server.domain.webhook import WebhookRules
from outrigger_server.runs.webhook_guard import Resolver, WebhookGuard
from outrigger_server.runs.webhook_sender import WebhookSender
from outrigger_server.settings import WebhookSettings
from outrigger_server.stores.postgres import PostgresDatabase
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import local_metrics

__all__ = ["postgres_template", "postgres_uri"]

SECRET = "whsec"
LOOPBACK = WebhookRules(allow_loopback=True, headers={"authorization": "Bearer b"})
DEADLINE_SECONDS = 20.0
LONGEST_PAUSE = 601
SURROGATE = ThreadOutcome(values='{"k":"\\ud83d"}', interrupts="{}", has_next=False)


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request, tmp_path):
    if request.param == "sqlite":
        opening = empty_database(tmp_path / "data")
    else:
        opening = PostgresDatabase(request.getfixturevalue("postgres_uri"))
    async with opening as database:
        yield database


@pytest.fixture
def receiver():
    with started_receiver() as receiver:
        yield receiver


@pytest.fixture
def metrics():
    return local_metrics()


@pytest.fixture
def open_sender(database, clock, metrics):
    @asynccontextmanager
    async def open_sender(rules=LOOPBACK, resolve=None, **settings):
        with Resolver() as resolver:
            sender = WebhookSender(
                database=database,
                clock=clock,
                metrics=metrics,
                guard=WebhookGuard(rules, resolve or resolver.resolve),
                rules=rules,
                settings=WebhookSettings(webhook_secret=SECRET, **settings),
            )
            async with sender:
                yield sender

    return open_sender


async def end_run(desk, url, name="r", **ending):
    run = await desk.running(name, kwargs={"webhook": url})
    await desk.finish(run, **ending)
    return run


async def until_counted(metrics, outcome, count):
    async with asyncio.timeout(DEADLINE_SECONDS):
        while metrics.value(specs.WEBHOOK_DELIVERIES_TOTAL, outcome=outcome) < count:
            await asyncio.sleep(0.005)


async def until_free(sender, count):
    """The place of a call is free a moment after the call was counted."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while sender.free != count:
            await asyncio.sleep(0.005)


async def waiting(desk):
    return await desk.all("SELECT tries FROM webhook_deliveries")


async def test_a_run_that_ended_is_told_once_and_signed(desk, receiver, open_sender, metrics):
    await desk.thread()
    async with open_sender() as sender:
        sender.ended(await end_run(desk, f"{receiver.url}/hook?a=b", outcome=SURROGATE))
        await until_counted(metrics, "delivered", 1)
    (call,) = receiver.calls
    assert call.path == "/hook?a=b"
    assert call.json["run_id"] == "r"
    assert call.json["values"] == {"k": "\ud83d"}
    assert list(call.json)[-2:] == ["webhook_sent_at", "values"]
    assert call.headers["host"] == receiver.url.removeprefix("http://")
    assert call.headers["content-type"] == "application/json"
    assert call.headers["authorization"] == "Bearer b"
    seconds, _, digest = call.headers["x-outrigger-signature"].partition(",v1=")
    signed = seconds.removeprefix("t=").encode() + b"." + call.body
    assert digest == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert await waiting(desk) == []


async def test_what_ended_before_it_was_opened_is_told(desk, receiver, open_sender, metrics):
    await desk.thread()
    await end_run(desk, receiver.url)
    async with open_sender():
        await until_counted(metrics, "delivered", 1)
    assert len(receiver.calls) == 1


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_what_fails_is_made_again_after_a_pause(
    desk, receiver, open_sender, metrics, clock, status
):
    receiver.statuses[:] = [status, status]
    receiver.headers["location"] = f"{receiver.url}/elsewhere"
    await desk.thread()
    async with open_sender() as sender:
        run = await end_run(desk, f"{receiver.url}/hook")
        for tries in (1, 2):
            sender.ended(run)
            await until_counted(metrics, "failed", tries)
            assert await waiting(desk) == [(tries,)]
            clock.turn(tries * 2)
        sender.ended(run)
        await until_counted(metrics, "delivered", 1)
    assert [call.path for call in receiver.calls] == ["/hook"] * 3
    ids = {call.headers["x-outrigger-delivery"] for call in receiver.calls}
    assert len(ids) == 1
    assert await waiting(desk) == []


async def test_after_the_last_try_it_is_given_up(desk, receiver, open_sender, metrics, clock):
    receiver.statuses[:] = [500, 500, 500]
    await desk.thread()
    async with open_sender(webhook_max_tries=2) as sender:
        run = await end_run(desk, receiver.url)
        sender.ended(run)
        await until_counted(metrics, "failed", 1)
        clock.turn(LONGEST_PAUSE)
        sender.ended(run)
        await until_counted(metrics, "given_up", 1)
    assert len(receiver.calls) == 2
    assert await waiting(desk) == []


async def test_what_is_too_old_is_given_up(desk, receiver, open_sender, metrics, clock):
    receiver.statuses[:] = [500]
    await desk.thread()
    await end_run(desk, receiver.url)
    clock.turn(3600)
    async with open_sender(webhook_max_age_seconds=3600):
        await until_counted(metrics, "given_up", 1)
    assert await waiting(desk) == []


async def test_a_receiver_that_does_not_answer_in_time_has_failed(
    desk, receiver, open_sender, metrics
):
    receiver.hung.clear()
    await desk.thread()
    async with open_sender(webhook_timeout_seconds=0.1) as sender:
        sender.ended(await end_run(desk, receiver.url))
        await until_counted(metrics, "failed", 1)
    assert await waiting(desk) == [(1,)]


async def test_an_address_that_may_not_be_reached_any_more_is_not_called(
    desk, receiver, open_sender, metrics
):
    await desk.thread()
    async with open_sender(WebhookRules()) as sender:
        sender.ended(await end_run(desk, receiver.url))
        await until_counted(metrics, "failed", 1)
    assert receiver.calls == []


async def test_a_call_goes_to_the_address_that_was_looked_at_under_its_own_name(
    desk, receiver, open_sender, metrics
):
    async def resolve(host):
        assert host == "hooks.invalid"  # a name that nobody else can look up
        return ["127.0.0.1"]

    await desk.thread()
    url = receiver.url.replace("127.0.0.1", "hooks.invalid")
    async with open_sender(resolve=resolve) as sender:
        sender.ended(await end_run(desk, f"{url}/hook"))
        await until_counted(metrics, "delivered", 1)
    (call,) = receiver.calls
    assert call.headers["host"] == url.removeprefix("http://")


async def test_no_more_are_called_at_once_than_set_and_a_hung_one_holds_up_no_other(
    desk, receiver, open_sender, metrics
):
    with started_receiver() as hung:
        hung.hung.clear()
        await desk.thread()
        for number in range(4):
            await end_run(desk, hung.url if number == 0 else receiver.url, f"{number}")
        async with open_sender(webhook_senders=2) as sender:
            assert await asyncio.to_thread(hung.wait_for, 1)
            await until_counted(metrics, "delivered", 3)
            await until_free(sender, 1)
            hung.hung.set()
            await until_counted(metrics, "delivered", 4)
    assert await waiting(desk) == []


async def test_a_delivery_left_under_way_is_made_again(desk, receiver, open_sender, metrics, clock):
    receiver.hung.clear()
    await desk.thread()
    async with open_sender() as sender:
        sender.ended(await end_run(desk, receiver.url))
        assert await asyncio.to_thread(receiver.wait_for, 1)
    assert await waiting(desk) == [(1,)]
    receiver.hung.set()
    clock.turn(60)
    async with open_sender():
        await until_counted(metrics, "delivered", 1)
    assert len(receiver.calls) == 2
    assert await waiting(desk) == []


async def test_two_senders_tell_each_end_once(desk, receiver, open_sender, metrics):
    await desk.thread()
    for number in range(20):
        await end_run(desk, receiver.url, f"{number}")
    async with open_sender(), open_sender():
        await until_counted(metrics, "delivered", 20)
    assert sorted(call.json["run_id"] for call in receiver.calls) == sorted(map(str, range(20)))
