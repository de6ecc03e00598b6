"""Creators of runs as the server puts them together, on any database."""

from outrigger_server.brokers.in_process import (
    InProcessCancelSignals,
    InProcessEventLog,
    InProcessWakeups,
)
from outrigger_server.domain.clock import Clock
from outrigger_server.runs.create import RunCreator, Slots
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.stores.base import Database
from outrigger_telemetry.metrics import local_metrics


def run_creator(database: Database, clock: Clock, slots: Slots | None = None) -> RunCreator:
    """One with a broker and metrics of its own."""
    return RunCreator(
        database,
        InProcessEventLog(clock, limit=10, keep_seconds=0.0),
        InProcessCancelSignals(),
        InProcessWakeups(),
        clock,
        RunTelemetry(local_metrics()),
        slots,
    )
