"""Measures how late an event loop is: what a blocking call does to everybody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from outrigger_server.graphs.loop import GraphLoop
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics

INTERVAL_SECONDS = 0.5


@asynccontextmanager
async def lags_watched(metrics: Metrics, graph_loop: GraphLoop) -> AsyncIterator[None]:
    """Observe the lag of the running loop and of the graphs' until the block ends."""
    graph_loop.start("lag", watch_lag(metrics, "worker"))
    watching = asyncio.create_task(watch_lag(metrics, "api"), name="lag")
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
