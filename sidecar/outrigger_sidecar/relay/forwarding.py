"""Sends what is in the spool upstream, batch after batch, for as long as it takes."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

from outrigger_sidecar.relay.spool import Batch, Spool
from outrigger_sidecar.relay.upstream import (
    DEFAULT_BYTES,
    DEFAULT_OPERATIONS,
    Answer,
    Upstream,
    Verdict,
)
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metric_specs import RELAY_FORWARD_SECONDS, RELAY_FORWARDED_BATCHES_TOTAL
from outrigger_telemetry.metrics import Metrics

FIRST_PAUSE_SECONDS = 0.25
LOOK_SECONDS = 0.5
"""How often traces that wait for their end are looked at."""
GATHER_SECONDS = 0.05
"""After news, so that operations go in batches."""

log = get_logger("outrigger_sidecar.relay")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Since when (monotonic seconds) the upstream takes nothing, and why."""

    since: float
    why: str


class Forwarder:
    """Empties the spool in order, one batch at a time.

    Only the batch that is on its way when this process is killed is sent twice.
    """

    def __init__(
        self,
        spool: Spool,
        upstream: Upstream,
        metrics: Metrics,
        executor: Executor,
        *,
        longest_pause: float,
        jitter: Callable[[], float],
    ) -> None:
        self._spool = spool
        self._upstream = upstream
        self._metrics = metrics
        self._executor = executor
        self._longest_pause = longest_pause
        self._jitter = jitter
        self._news = asyncio.Event()
        self._settled = asyncio.Event()
        self._failures = 0
        self.trouble: Trouble | None = None

    def wake(self) -> None:
        """Say that there is something new in the spool."""
        self._settled.clear()
        self._news.set()

    async def finish(self, seconds: float) -> None:
        """Return once all that may go on is upstream; at once while it takes nothing.

        What is left after `seconds` goes on at the next start.
        """
        if self.trouble is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._settled.wait()

    async def run(self) -> None:
        """Forward until cancelled."""
        while True:
            self._news.clear()
            batch = await self._next_batch()
            if batch is not None:
                await self._deliver(batch)
                continue
            if not self._news.is_set():
                self._settled.set()
            await self._wait_for_news()

    async def _next_batch(self) -> Batch | None:
        able = self._upstream.abilities
        operations = able.max_operations if able else DEFAULT_OPERATIONS
        size = able.max_bytes if able else DEFAULT_BYTES
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._spool.next_batch, operations, size)

    async def _wait_for_news(self) -> None:
        # With nothing on disk only news can change that: at rest nothing is done.
        seconds = LOOK_SECONDS if self._spool.pending() else None
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_SECONDS)

    async def _deliver(self, batch: Batch) -> None:
        """Send a batch until it is taken, or known never to be, or dropped from a full spool."""
        while not batch.segment.is_dropped:
            answer = await self._send(batch)
            match answer.verdict:
                case Verdict.OK:
                    self._recovered()
                    await self._finish(batch, refused=False)
                    return
                case Verdict.REFUSED:
                    self._recovered()
                    await self._search_refused(batch, answer)
                    return
                case Verdict.RETRY | Verdict.DENIED:
                    self._failed(answer)
                    await asyncio.sleep(
                        pause_seconds(answer, self._failures, self._longest_pause, self._jitter())
                    )
        self._spool.abandon(batch)

    async def _send(self, batch: Batch) -> Answer:
        answer = await self._upstream.ask_abilities()
        if answer.verdict is Verdict.OK:
            started = time.perf_counter()
            answer = await self._upstream.send(batch)
            self._metrics.observe(RELAY_FORWARD_SECONDS, time.perf_counter() - started)
        self._metrics.increment(RELAY_FORWARDED_BATCHES_TOTAL, result=answer.verdict.value)
        return answer

    async def _search_refused(self, batch: Batch, answer: Answer) -> None:
        """Send the halves alone, so that one bad operation takes no other with it."""
        if len(batch.indexes) == 1:
            log.warning("relay_operation_refused", reason=answer.why)
            await self._finish(batch, refused=True)
            return
        for half in batch.half():
            await self._deliver(half)

    async def _finish(self, batch: Batch, *, refused: bool) -> None:
        def finish() -> None:
            self._spool.finish(batch, refused=refused)

        await asyncio.get_running_loop().run_in_executor(self._executor, finish)

    def _failed(self, answer: Answer) -> None:
        if self.trouble is None:
            log.warning("relay_upstream_fails", reason=answer.why)
            self.trouble = Trouble(time.monotonic(), answer.why)
        else:
            self.trouble = Trouble(self.trouble.since, answer.why)
        self._failures += 1
        self._settled.set()

    def _recovered(self) -> None:
        if self.trouble is not None:
            log.info("relay_upstream_works_again")
        self.trouble = None
        self._failures = 0


def pause_seconds(answer: Answer, failures: int, longest: float, chance: float) -> float:
    """Return how long to wait after so many failures in a row; `chance` is from 0 to 1.

    What the upstream asks for is kept, however long. Else the pause doubles, half of it by
    chance, so that many relays do not come back at the same moment.
    """
    if answer.retry_after is not None:
        return answer.retry_after + chance * FIRST_PAUSE_SECONDS
    pause = FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 20)
    return min(pause, longest) * (0.5 + chance / 2)
