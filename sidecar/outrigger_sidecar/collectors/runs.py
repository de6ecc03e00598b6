"""Runs, queue and threads, from the database."""

import time
from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import Sample, family
from outrigger_sidecar.run_database import Counts, Queue, RunDatabase
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metric_specs import (
    RUN_QUEUE_DEPTH,
    RUN_QUEUE_OLDEST_SECONDS,
    RUNS,
    RUNS_STUCK,
    THREADS,
    WORKER_SLOTS,
)

# Counting everything reads whole tables: at most this share of the time goes into it.
_SHARE = 0.02
_COUNTS_LAST_SECONDS = 1.0


class RunsCollector:
    """Reads the queue at each scrape, and counts everything as often as that is cheap."""

    name = "runs"

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
        self._counts: Counts | None = None
        self._counts_due = 0.0

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        queue = self._database.queue(self._clock())
        counts = self._recent_counts()
        runs = {**counts.runs, "pending": 0, "running": 0, **queue.live}
        return [
            family(RUNS, _by("status", runs)),
            family(THREADS, _by("status", counts.threads)),
            family(RUN_QUEUE_DEPTH, _by("blocked", _depth(queue))),
            family(RUN_QUEUE_OLDEST_SECONDS, _by("blocked", _oldest(queue))),
            family(RUNS_STUCK, _by("kind", self._stuck(queue))),
        ]

    def _recent_counts(self) -> Counts:
        started = time.monotonic()
        if self._counts is None or started >= self._counts_due:
            self._counts = None  # if this fails, nothing old is shown
            self._counts = self._database.counts()
            ended = time.monotonic()
            self._counts_due = ended + max(_COUNTS_LAST_SECONDS, (ended - started) / _SHARE)
        return self._counts

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


def _by(label: str, values: "dict[str, float] | dict[str, int]") -> list[Sample]:
    return [({label: name}, value) for name, value in values.items()]
