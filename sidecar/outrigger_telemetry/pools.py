"""Shows how a process's pools of connections are used."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from outrigger_telemetry.metric_specs import (
    DB_POOL_ACQUIRE_SECONDS,
    DB_POOL_CONNECTIONS,
    DB_POOL_WAITING,
)
from outrigger_telemetry.metrics import Metrics

INTERVAL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections in use and kept for the next, and jobs that wait for one."""

    busy: int
    idle: int
    waiting: int


class PoolBoard:
    """The pools of this process. Counts how long each made one wait; shows now and then the rest.

    Setting gauges at every change would cost more than many a job does.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._uses: dict[str, Callable[[], PoolUse]] = {}

    def watch(self, pool: str, use: Callable[[], PoolUse]) -> Callable[[float], None]:
        """Show what `use` tells of the pool; return what to call with the seconds waited."""
        self._uses[pool] = use

        def acquired(seconds: float) -> None:
            self._metrics.observe(DB_POOL_ACQUIRE_SECONDS, seconds, pool=pool)

        return acquired

    def show(self) -> None:
        """Set the gauges to what is so now."""
        for pool, tell in self._uses.items():
            use = tell()
            self._metrics.set(DB_POOL_CONNECTIONS, use.busy, state="busy", pool=pool)
            self._metrics.set(DB_POOL_CONNECTIONS, use.idle, state="idle", pool=pool)
            self._metrics.set(DB_POOL_WAITING, use.waiting, pool=pool)


@asynccontextmanager
async def open_board(metrics: Metrics) -> AsyncIterator[PoolBoard]:
    """Give a board that shows its pools twice a second for as long as the block lasts."""
    board = PoolBoard(metrics)
    showing = asyncio.create_task(_show_for_ever(board), name="pools")
    try:
        yield board
    finally:
        showing.cancel()
        await asyncio.wait({showing})


async def _show_for_ever(board: PoolBoard) -> None:
    while True:
        board.show()
        await asyncio.sleep(INTERVAL_SECONDS)
