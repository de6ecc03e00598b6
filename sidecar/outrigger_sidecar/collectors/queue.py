"""Runs in flight and who waits for what, from the database."""

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import family, samples_by
from outrigger_sidecar.run_database.base import Queue, RunDatabase
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metric_specs import (
    RUN_QUEUE_DEPTH,
    RUN_QUEUE_OLDEST_SECONDS,
    RUNS,
    RUNS_STUCK,
    WORKER_SLOTS,
)

IN_FLIGHT = ("pending", "running")


class QueueCollector:
    """Reads the queue at each scrape."""

    name = "queue"

    def __init__(
        self,
        database: RunDatabase,
        files: MetricFiles,
        *,
        stall_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._files = files
        self._stall_seconds = stall_seconds
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        queue = self._database.queue(self._clock())
        live = {status: queue.live.get(status, 0) for status in IN_FLIGHT}
        return [
            family(RUNS, samples_by("status", live)),
            family(RUN_QUEUE_DEPTH, samples_by("blocked", _depth(queue))),
            family(RUN_QUEUE_OLDEST_SECONDS, samples_by("blocked", _oldest(queue))),
            family(RUNS_STUCK, samples_by("kind", self._stuck(queue))),
        ]

    def _stuck(self, queue: Queue) -> dict[str, float]:
        idle = self._files.gauge(WORKER_SLOTS.name).get((("state", "idle"),), 0)
        stalled = idle > 0 and queue.unblocked_oldest_seconds > self._stall_seconds
        return {
            "pending_with_free_slots": queue.unblocked if stalled else 0,
            "running_without_lease": queue.running_without_lease,
        }


def _depth(queue: Queue) -> dict[str, float]:
    return {"false": queue.unblocked, "true": queue.blocked}


def _oldest(queue: Queue) -> dict[str, float]:
    return {"false": queue.unblocked_oldest_seconds, "true": queue.blocked_oldest_seconds}
