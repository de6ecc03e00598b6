"""Measures how late an event loop is: what a blocking call does to everybody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics

INTERVAL_SECONDS = 0.5


@asynccontextmanager
async def lag_watched(metrics: Metrics, role: str) -> AsyncIterator[None]:
    """Observe the running loop's lag until the block ends."""
    watching = asyncio.create_task(watch_lag(metrics, role), name="lag")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def watch_lag(metrics: Metrics, role: str) -> None:
    """Observe the running loop's lag until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL_SECONDS
        await asyncio.sleep(INTERVAL_SECONDS)
        metrics.observe(specs.EVENT_LOOP_LAG_SECONDS, max(0.0, loop.time() - due), role=role)
