"""CPU, memory, files and threads of the server's processes and of the sidecar.

What a process has started, such as a graph's own programs, is added up beside it.
"""

import os
import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
_CHILDREN = "_children"
"""What the role of a process becomes for those that it started."""

_SPECS: tuple[MetricSpec, ...] = (
    PROCESS_CPU_SECONDS_TOTAL,
    PROCESS_RESIDENT_MEMORY_BYTES,
    PROCESS_OPEN_FDS,
    PROCESS_THREADS,
)
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied)


@dataclass(frozen=True, slots=True)
class Use:
    """What a process uses; `reaped` is the CPU time of children that have ended."""

    cpu: float
    memory: float
    files: float
    threads: float
    reaped: float = 0.0


class ProcessCollector:
    """Looks at each process that has metric files here and lives in our process namespace."""

    name = "process"

    def __init__(self, files: MetricFiles) -> None:
        self._files = files
        self._began = time.time()
        self._children_cpu: dict[tuple[int, float], float] = {}

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        found: dict[MetricSpec, list[Sample]] = {spec: [] for spec in _SPECS}
        known = list(self._processes())
        tree = _tree({pid for pid, *_ in known})
        for pid, role, host, started_at in known:
            try:
                own = _measure(psutil.Process(pid), started_at)
            except _GONE:
                continue  # it ended meanwhile, or belongs to someone else
            worker = f"{host}-{pid}"
            _add(found, {"role": role, "worker": worker}, own)
            children = self._children(pid, started_at, own, tree)
            if children is not None:
                _add(found, {"role": role + _CHILDREN, "worker": worker}, children)
        kept = {(pid, started_at) for pid, _, _, started_at in known}
        self._children_cpu = {k: v for k, v in self._children_cpu.items() if k in kept}
        return [family(spec, samples) for spec, samples in found.items()]

    def _children(
        self, pid: int, started_at: float, own: Use, tree: Mapping[int, Sequence[int]]
    ) -> Use | None:
        below = [use for each in _below(pid, tree) if (use := _measured(each))]
        cpu = own.reaped + sum(use.cpu + use.reaped for use in below)
        # One that ends is counted with its parent a moment later: never show less meanwhile.
        key = (pid, started_at)
        cpu = self._children_cpu[key] = max(cpu, self._children_cpu.get(key, 0.0))
        if not below and not cpu:
            return None
        return Use(
            cpu,
            sum(use.memory for use in below),
            sum(use.files for use in below),
            sum(use.threads for use in below),
        )

    def _processes(self) -> Iterator[tuple[int, str, str, float]]:
        seen = {os.getpid()}
        yield os.getpid(), "sidecar", socket.gethostname(), self._began
        for process in self._files.processes():
            if process.is_alive and process.is_local and process.pid not in seen:
                seen.add(process.pid)
                yield process.pid, process.role, process.host, process.started_at


def _add(found: Mapping[MetricSpec, list[Sample]], labels: dict[str, str], use: Use) -> None:
    values = (use.cpu, use.memory, use.files, use.threads)
    for spec, value in zip(_SPECS, values, strict=True):
        found[spec].append((labels, value))


def _tree(known: set[int]) -> dict[int, list[int]]:
    """The children of every process, but for those that are shown by themselves."""
    tree: defaultdict[int, list[int]] = defaultdict(list)
    for process in psutil.process_iter():
        if process.pid not in known:
            try:
                tree[process.ppid()].append(process.pid)
            except _GONE:
                continue
    return tree


def _below(pid: int, tree: Mapping[int, Sequence[int]]) -> Iterator[int]:
    for child in tree.get(pid, ()):
        yield child
        yield from _below(child, tree)


def _measured(pid: int) -> Use | None:
    try:
        return _measure(psutil.Process(pid), time.time())
    except _GONE:
        return None


def _measure(process: psutil.Process, started_at: float) -> Use:
    with process.oneshot():
        if process.create_time() > started_at + _CLOCK_SLACK_SECONDS:
            raise psutil.NoSuchProcess(process.pid)
        times = process.cpu_times()
        return Use(
            times.user + times.system,
            process.memory_info().rss,
            process.num_fds(),
            process.num_threads(),
            times.children_user + times.children_system,
        )
