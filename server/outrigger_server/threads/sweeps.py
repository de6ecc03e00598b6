"""Takes away what has outlived its time: threads and items, in batches, again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Self

from outrigger_server.brokers.base import EventLog, RunEnd
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.event import thread_stream
from outrigger_server.errors import Unavailable
from outrigger_server.graphs.retention import Retention
from outrigger_server.stores.base import Database
from outrigger_server.stores.items import sweep_items
from outrigger_server.stores.thread_expiry import sweep_threads
from outrigger_telemetry.logging import get_logger

THREADS_AT_ONCE = 20
"""Threads of one transaction: others wait for it no longer than for that."""

ITEMS_AT_ONCE = 500
ITEM_ROUNDS = 100
"""Such transactions in one sweep: more items than that wait for the next."""

THREAD_DELETED = "deleted"

log = get_logger("outrigger.threads")


class Sweeper:
    """Sweeps from `async with` on until it is left; several processes may do so at once."""

    def __init__(
        self, database: Database, events: EventLog, clock: Clock, retention: Retention
    ) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self._retention = retention
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        retention = self._retention
        for name, sweep, minutes in (
            ("threads", self.sweep_threads, retention.thread_sweep_minutes),
            ("items", self.sweep_items, retention.item_sweep_minutes),
        ):
            work = self._again_and_again(name, sweep, minutes * 60)
            self._running.append(self._tasks.create_task(work, name=f"sweeps of {name}"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def _again_and_again(
        self, name: str, sweep: Callable[[], Awaitable[int]], seconds: float
    ) -> None:
        while True:
            try:
                swept = await sweep()
                if swept:
                    log.info("swept", what=name, count=swept)
            except Unavailable as error:
                log.warning("sweep_failed", what=name, reason=error.code)
            except Exception:  # the edge around one sweep
                log.exception("sweep_failed", what=name, reason="internal")
            await asyncio.sleep(seconds)

    async def sweep_threads(self) -> int:
        """Do with threads whose time is over what it says; return how many there were."""
        left = self._retention.thread_sweep_limit
        while left > 0:
            most = min(left, THREADS_AT_ONCE)
            job = partial(sweep_threads, now=self._clock.now(), limit=most)
            swept = await self._database.write(job)
            for thread_id in swept.deleted:
                self._events.end(RunEnd(thread_stream(thread_id), THREAD_DELETED, b"{}"))
            left -= swept.count
            if swept.count < most:
                break
        return self._retention.thread_sweep_limit - left

    async def sweep_items(self) -> int:
        """Remove items whose time is over; return how many there were."""
        count = 0
        for _ in range(ITEM_ROUNDS):
            swept = await self._database.write(partial(sweep_items, limit=ITEMS_AT_ONCE))
            count += swept
            if swept < ITEMS_AT_ONCE:
                break
        return count
