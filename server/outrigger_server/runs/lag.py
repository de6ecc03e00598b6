"""Measures how late an event loop is: what a blocking call does to everybody else."""

import asyncio

from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics

INTERVAL_SECONDS = 0.5


async def watch_lag(metrics: Metrics, role: str) -> None:
    """Observe the running loop's lag until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL_SECONDS
        await asyncio.sleep(INTERVAL_SECONDS)
        metrics.observe(specs.EVENT_LOOP_LAG_SECONDS, max(0.0, loop.time() - due), role=role)
