"""Which workers live, and when each last said so."""

import threading
from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import family, samples_by
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metric_specs import WORKER_HEARTBEAT_AGE_SECONDS, WORKER_UP
from outrigger_telemetry.process_files import WriterProcess

REMEMBERED_SECONDS = 60.0
"""How long a worker that vanished is shown as down: a few scrapes."""


class WorkersCollector:
    """Looks at the heartbeats that workers leave beside their metric files.

    A worker that left as it should took its heartbeat with it and is not shown. `clock` is the
    wall clock, in seconds.
    """

    name = "workers"

    def __init__(self, files: MetricFiles, *, clock: Callable[[], float]) -> None:
        self._files = files
        self._clock = clock
        self._vanished: dict[str, float] = {}
        self._lock = threading.Lock()

    def ended(self, processes: Iterable[WriterProcess]) -> None:
        """Take note of processes that have ended, before their files go."""
        with self._lock:
            for process in processes:
                if process.heartbeat_at is not None:
                    self._vanished.setdefault(_name(process), self._clock())

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        processes = self._files.processes()
        self.ended(each for each in processes if not each.is_alive)
        now = self._clock()
        ages = {
            _name(each): max(0.0, now - each.heartbeat_at)
            for each in processes
            if each.is_alive and each.heartbeat_at is not None
        }
        with self._lock:
            self._vanished = {
                name: since
                for name, since in self._vanished.items()
                if name not in ages and now - since <= REMEMBERED_SECONDS
            }
            up = {**dict.fromkeys(self._vanished, 0.0), **dict.fromkeys(ages, 1.0)}
        return [
            family(WORKER_UP, samples_by("worker", up)),
            family(WORKER_HEARTBEAT_AGE_SECONDS, samples_by("worker", ages)),
        ]


def _name(process: WriterProcess) -> str:
    return f"{process.host}-{process.pid}"
