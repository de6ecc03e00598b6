"""Fires crons when they are due: sleeps until the next one is, or until crons have changed."""

import asyncio
from functools import partial
from types import TracebackType
from typing import Self

from outrigger_server.brokers.base import Wakeups
from outrigger_server.crons.fire import CronFirer
from outrigger_server.domain.clock import MICROSECONDS, Clock
from outrigger_server.errors import Unavailable
from outrigger_server.stores.base import Database
from outrigger_server.stores.crons import due_crons
from outrigger_telemetry.logging import get_logger

AT_ONCE = 100
"""Crons fired side by side."""

LONGEST_SLEEP_SECONDS = 5.0
"""The safety net under lost wake-ups, and under clocks that are set."""

RETRY_SECONDS = 1.0

log = get_logger("outrigger.crons")


class CronScheduler:
    """Open it with `async with`; `stop` it before the worker drains."""

    def __init__(
        self,
        database: Database,
        firer: CronFirer,
        changes: Wakeups,
        clock: Clock,
        *,
        at_once: int = AT_ONCE,
    ) -> None:
        self._database = database
        self._firer = firer
        self._changes = changes
        self._clock = clock
        self._at_once = at_once
        self._stopping = False
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._task = self._tasks.create_task(self._fire_until_stopped(), name="crons")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
        await self._tasks.__aexit__(None, None, None)

    async def stop(self) -> None:
        """Fire no more; returns when what was being fired is done. Safe to call twice."""
        self._stopping = True
        self._changes.notify_here()
        await asyncio.wait({self._task})

    async def _fire_until_stopped(self) -> None:
        while not self._stopping:
            try:
                pause = await self.fire_due()
            except Unavailable as error:
                log.warning("crons_not_fired", reason=error.code)
                pause = RETRY_SECONDS
            except Exception:  # the edge around one round: the next one may do better
                log.exception("crons_not_fired", reason="internal")
                pause = RETRY_SECONDS
            if pause > 0 and not self._stopping:
                await self._changes.wait(pause)

    async def fire_due(self) -> float:
        """Fire what is due, some of it when it is much; return how long nothing will be.

        Raises:
            Unavailable: The database cannot be used; what was not fired is still due.
        """
        now = self._clock.now()
        due = await self._database.read(partial(due_crons, now=now, limit=self._at_once))
        firing = [self._firer.fire(cron) for cron in due.crons]
        failures = await asyncio.gather(*firing, return_exceptions=True)
        for failure in failures:
            if failure is not None:
                raise failure
        if due.crons:
            return 0.0  # what was fired is due again, at a time that a look will tell
        return self._until(due.next_due)

    def _until(self, due: int | None) -> float:
        if due is None:
            return LONGEST_SLEEP_SECONDS
        seconds = (due - self._clock.now()) / MICROSECONDS
        return min(LONGEST_SLEEP_SECONDS, max(0.0, seconds) + 0.001)
