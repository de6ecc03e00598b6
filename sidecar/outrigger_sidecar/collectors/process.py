"""CPU, memory, files and threads of the server's processes and of the sidecar."""

import os
import socket
import time
from collections.abc import Iterable, Iterator

import psutil
from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import Sample, family
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metric_specs import (
    PROCESS_CPU_SECONDS_TOTAL,
    PROCESS_OPEN_FDS,
    PROCESS_RESIDENT_MEMORY_BYTES,
    PROCESS_THREADS,
    MetricSpec,
)

# A process writes its lock file after its start; a younger process has taken over its id.
_CLOCK_SLACK_SECONDS = 2.0


class ProcessCollector:
    """Looks at each process that has metric files here and lives in our process namespace."""

    name = "process"

    def __init__(self, files: MetricFiles) -> None:
        self._files = files

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        found: dict[MetricSpec, list[Sample]] = {
            PROCESS_CPU_SECONDS_TOTAL: [],
            PROCESS_RESIDENT_MEMORY_BYTES: [],
            PROCESS_OPEN_FDS: [],
            PROCESS_THREADS: [],
        }
        for pid, role, host, started_at in self._processes():
            labels = {"role": role, "worker": f"{host}-{pid}"}
            try:
                values = _measure(pid, started_at)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue  # it ended meanwhile, or belongs to someone else
            for spec, value in zip(found, values, strict=True):
                found[spec].append((labels, value))
        return [family(spec, samples) for spec, samples in found.items()]

    def _processes(self) -> Iterator[tuple[int, str, str, float]]:
        seen = {os.getpid()}
        yield os.getpid(), "sidecar", socket.gethostname(), time.time()
        for process in self._files.processes():
            if process.is_alive and process.is_local and process.pid not in seen:
                seen.add(process.pid)
                yield process.pid, process.role, process.host, process.started_at


def _measure(pid: int, started_at: float) -> tuple[float, float, float, float]:
    process = psutil.Process(pid)
    with process.oneshot():
        if process.create_time() > started_at + _CLOCK_SLACK_SECONDS:
            raise psutil.NoSuchProcess(pid)
        times = process.cpu_times()
        return (
            times.user + times.system,
            process.memory_info().rss,
            process.num_fds(),
            process.num_threads(),
        )
