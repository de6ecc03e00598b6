"""Removes threads that were made for one run, once it has ended and its readers were told."""

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Self

from outrigger_server.brokers.base import EventLog, RunEnd
from outrigger_server.domain.clock import MICROSECONDS, Clock
from outrigger_server.domain.event import thread_stream
from outrigger_server.domain.run import Run, ThreadId
from outrigger_server.errors import Unavailable
from outrigger_server.runs.ends import DELETED, GONE
from outrigger_server.stores.base import Database
from outrigger_server.stores.temporary_threads import delete_left_threads, delete_temporary_threads
from outrigger_telemetry.logging import get_logger

BATCH = 100
"""Threads removed in one transaction."""

ROUNDS = 10
"""Such transactions in one sweep: more than that wait for the next."""

LEAST_AGE_SECONDS = 1.0
"""A sweep leaves runs that ended just now to those who tell their readers."""

log = get_logger("outrigger.runs")


class TemporaryThreads:
    """Removes them; open it with `async with`.

    With `keep_seconds` a thread stays that long behind its run: readers whose message of
    the end was lost look it up. What a lost process left is found by a sweep.
    """

    def __init__(
        self,
        database: Database,
        events: EventLog,
        clock: Clock,
        *,
        keep_seconds: float,
        sweep_seconds: float,
    ) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._sweep_seconds = sweep_seconds
        self._ended: deque[tuple[float, ThreadId]] = deque()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._removing = self._tasks.create_task(self._remove_ended(), name="temporary-threads")
        self._sweeping = self._tasks.create_task(self._sweep(), name="temporary-threads-sweep")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._removing.cancel()
        self._sweeping.cancel()
        await self._tasks.__aexit__(None, None, None)

    def ended(self, run: Run) -> None:
        """Have the run's thread removed, if it was made for the run."""
        if run.kwargs.get("temporary"):
            self._ended.append((self._loop.time() + self._keep_seconds, run.thread_id))
            self._news.set()

    async def _remove_ended(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(max(0.0, self._ended[0][0] - self._loop.time()))
            job = partial(delete_temporary_threads, thread_ids=self._due())
            try:
                self._tell(await self._database.write(job))
            except Unavailable as error:  # a sweep will find them
                log.warning("temporary_threads_not_removed", reason=error.code)
            except Exception:  # the edge around one batch
                log.exception("temporary_threads_not_removed", reason="internal")

    def _due(self) -> list[ThreadId]:
        now = self._loop.time()
        due: list[ThreadId] = []
        while self._ended and len(due) < BATCH and self._ended[0][0] <= now:
            due.append(self._ended.popleft()[1])
        if not self._ended:
            self._news.clear()
        return due

    async def _sweep(self) -> None:
        while True:
            try:
                await self.remove_left()
            except Unavailable as error:
                log.warning("temporary_threads_not_removed", reason=error.code)
            except Exception:  # the edge around one sweep
                log.exception("temporary_threads_not_removed", reason="internal")
            await asyncio.sleep(self._sweep_seconds)

    async def remove_left(self) -> None:
        """Remove the threads of ended runs that nobody removed, as many as one sweep may."""
        age = max(self._keep_seconds, LEAST_AGE_SECONDS)
        before = self._clock.now() - round(age * MICROSECONDS)
        for _ in range(ROUNDS):
            job = partial(delete_left_threads, before=before, limit=BATCH)
            left = await self._database.write(job)
            self._tell(left.deleted)
            if left.found < BATCH:
                return

    def _tell(self, removed: Sequence[ThreadId]) -> None:
        """Let go those who follow a thread that is not there any more."""
        for stream in map(thread_stream, removed):
            if self._events.wants(stream):
                self._events.end(RunEnd(stream, DELETED, GONE))
