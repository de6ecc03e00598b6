"""The brokers that run the suites: of one process, over Redis, and over Redis in two processes."""

import itertools
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from outrigger_server.brokers.in_process import (
    InProcessCancelSignals,
    InProcessCounters,
    InProcessEventLog,
    InProcessWakeups,
)
from outrigger_server.brokers.redis.broker import RedisBroker
from outrigger_server.brokers.redis.event_log import RedisEventLog


@dataclass
class Broker:
    """What a suite needs; `close` ends the connections of those that have any."""

    events: object
    wakeups: object
    cancels: object
    counters: object
    lost: list[int] = field(default_factory=list)


class ApartEventLog:
    """Written by one process and read by another, which meet in Redis only.

    A reader comes after what was published before: the suites order the two.
    """

    def __init__(self, written: RedisEventLog, read: RedisEventLog) -> None:
        self.written, self.read = written, read
        self.open, self.wants = written.open, written.wants
        self.publish, self.end = written.publish, written.end
        self.ended, self.forget, self.abandon = read.ended, read.forget, read.abandon

    async def subscribe(self, run_id, after):
        await self.written.flushed(5)
        return await self.read.subscribe(run_id, after)


class ApartWakeups:
    """Notified in one process and waited for in another."""

    def __init__(self, notified, waited) -> None:
        self.notify, self.wait = notified.notify, waited.wait


class ApartCounters:
    """Counted up in one process and in another by turns."""

    def __init__(self, first, second) -> None:
        self._turns = itertools.cycle((first, second))

    async def count(self, key, amount, seconds):
        return await next(self._turns).count(key, amount, seconds)


class ApartCancelSignals:
    """Sent in one process and heard in another."""

    def __init__(self, sent, heard) -> None:
        self.send = sent.send
        self.listen, self.forget = heard.listen, heard.forget


@asynccontextmanager
async def in_process(_redis, clock, *, limit, keep_seconds):
    log = InProcessEventLog(clock, limit=limit, keep_seconds=keep_seconds)
    yield Broker(log, InProcessWakeups(), InProcessCancelSignals(), InProcessCounters(clock))


@asynccontextmanager
async def over_redis(redis, clock, *, limit, keep_seconds):
    lost = []
    async with RedisBroker(
        redis.url, clock, limit=limit, keep_seconds=keep_seconds, lost=lost.append
    ) as broker:
        yield Broker(broker.events, broker.wakeups, broker.cancels, broker.counters, lost)


@asynccontextmanager
async def over_redis_apart(redis, clock, **options):
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(over_redis(redis, clock, **options))
        api = await stack.enter_async_context(over_redis(redis, clock, **options))
        yield Broker(
            ApartEventLog(worker.events, api.events),
            ApartWakeups(api.wakeups, worker.wakeups),
            ApartCancelSignals(api.cancels, worker.cancels),
            ApartCounters(api.counters, worker.counters),
            worker.lost,
        )


BROKERS = {
    "in process": in_process,
    "redis": over_redis,
    "redis, two processes": over_redis_apart,
}
