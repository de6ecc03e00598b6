"""Opens the broker of several processes and owns its connections."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

from outrigger_server.brokers.in_process import InProcessCounters
from outrigger_server.brokers.redis.channels import Channels
from outrigger_server.brokers.redis.commands import Commands
from outrigger_server.brokers.redis.counters import RedisCounters
from outrigger_server.brokers.redis.event_log import RedisEventLog
from outrigger_server.brokers.redis.link import open_client
from outrigger_server.brokers.redis.names import CANCEL, CRONS, READERS, WAKE
from outrigger_server.brokers.redis.reader import Following
from outrigger_server.brokers.redis.signals import RedisCancelSignals, RedisWakeups
from outrigger_server.brokers.redis.waiters import EndWaiters
from outrigger_server.brokers.redis.writer import Writer
from outrigger_server.domain.clock import Clock
from outrigger_telemetry.pools import PoolBoard

START_PATIENCE_SECONDS = 2.0
STOP_PATIENCE_SECONDS = 2.0

LEAST_WATCHED_SECONDS = 30.0
"""Readers of a thread say that they are there with every heartbeat."""


class RedisBroker:
    """Wake-ups, cancel signals, counters and streams of runs through one Redis, while it is open.

    It opens and stays open though Redis is away, and connects again by itself. `lost` is
    called on the server's loop or the publisher's thread with the number of events that
    were dropped; the `board` shows its connections. Leaving it writes what waits, for two
    seconds at most.

    Raises:
        ConfigurationError: `url` is no address of Redis.
    """

    wakeups: RedisWakeups
    cron_changes: RedisWakeups
    cancels: RedisCancelSignals
    events: RedisEventLog
    counters: RedisCounters

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        limit: int,
        keep_seconds: float,
        lost: Callable[[int], None],
        board: PoolBoard | None = None,
    ) -> None:
        self._client = open_client(url, board)
        self._clock = clock
        self._limit = limit
        self._keep_seconds = keep_seconds
        self._lost = lost
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        channels = Channels(self._client)
        commands = Commands(self._client)
        writer = Writer(
            self._client,
            self._clock,
            limit=self._limit,
            keep_seconds=self._keep_seconds,
            lost=self._lost,
        )
        waiters = EndWaiters(channels, commands)
        self.wakeups = RedisWakeups(channels, commands)
        self.cron_changes = RedisWakeups(channels, commands, CRONS)
        self.cancels = RedisCancelSignals(channels, commands)
        self.counters = RedisCounters(commands, InProcessCounters(self._clock))
        watched = max(self._keep_seconds, LEAST_WATCHED_SECONDS)
        parts = Following(channels, commands, writer, self._clock, watched)
        self.events = RedisEventLog(channels, parts, waiters)
        await self._tasks.__aenter__()
        self._run("redis channels", channels.hear())
        self._run("redis channel changes", channels.follow_changes())
        self._run("redis commands", commands.run())
        self._run("redis events", writer.run())
        self._run("redis ends", waiters.run())
        for channel in (WAKE, CANCEL, READERS):
            await channels.heard(channel, START_PATIENCE_SECONDS / 3)
        return self

    def _run(self, name: str, part: Coroutine[Any, Any, None]) -> None:
        self._running.append(self._tasks.create_task(part, name=name))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.events.flushed(STOP_PATIENCE_SECONDS)
        finally:
            for task in self._running:
                task.cancel()
            await self._tasks.__aexit__(None, None, None)
            await self._client.aclose()
