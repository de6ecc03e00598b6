"""A closed loop: so many clients, each starting its next run when its last one has ended."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from benchmarks.engine.figures import latencies
from benchmarks.engine.plan import Window

# Does one run; returns the reason why it failed, or nothing.
OneRun = Callable[[], Awaitable[str]]
# Called when the window opens and when it closes, with "open" and "closed".
Moments = Callable[[str], None]
MOST_REASONS = 3
# A client whose run failed waits as long, so that a server that refuses is not stormed.
FAILURE_PAUSE_SECONDS = 0.1


class Tally:
    """What ended well in the window, and every failure, inside or outside of it."""

    def __init__(self, clients: int, window: Window, moments: Moments) -> None:
        self.closed = asyncio.Event()
        self.failures: Counter[str] = Counter()
        self._clients = clients
        self._ended = 0
        self._every_client_ran = asyncio.Event()
        self._window = window
        self._moments = moments
        self._seconds: list[float] = []
        self._opened = 0.0
        self._closed_at = 0.0

    async def watch(self) -> None:
        """Open the window, and return when it has closed."""
        await asyncio.sleep(self._window.ramp)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._window.most_seconds):
                await self._every_client_ran.wait()
        self._moments("open")
        self._opened = time.perf_counter()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._window.most_seconds):
                await self.closed.wait()
        if not self.closed.is_set():
            self._close(time.perf_counter())

    def add(self, began: float, ended: float, failure: str) -> None:
        """Count one run."""
        if failure:
            self.failures[failure] += 1
            return
        self._ended += 1
        if self._ended >= self._clients:
            self._every_client_ran.set()
        if not self._opened or self.closed.is_set():
            return
        self._seconds.append(ended - began)
        long_enough = ended - self._opened >= self._window.least_seconds
        if long_enough and len(self._seconds) >= self._window.enough(self._clients):
            self._close(ended)

    def _close(self, at: float) -> None:
        self._closed_at = at
        self.closed.set()
        self._moments("closed")

    def figures(self) -> dict[str, Any]:
        """Return what was measured."""
        seconds = self._closed_at - self._opened
        return {
            "runs": len(self._seconds),
            "seconds": seconds,
            "runs_per_second": len(self._seconds) / seconds,
            **latencies(self._seconds),
            "failed": self.failures.total(),
            "reasons": dict(self.failures.most_common(MOST_REASONS)),
        }


async def closed_loop(
    clients: Sequence[OneRun], window: Window, moments: Moments
) -> dict[str, Any]:
    """Let the clients run until the window has closed and their last runs have ended."""
    tally = Tally(len(clients), window, moments)

    async def client(one_run: OneRun) -> None:
        while not tally.closed.is_set():
            began = time.perf_counter()
            failure = await one_run()
            tally.add(began, time.perf_counter(), failure)
            if failure:
                await asyncio.sleep(FAILURE_PAUSE_SECONDS)

    async with asyncio.TaskGroup() as group:
        group.create_task(tally.watch())
        for one_run in clients:
            group.create_task(client(one_run))
    return tally.figures()
