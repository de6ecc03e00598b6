"""What the control group (container) of the sidecar may use, and uses."""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client.metrics_core import Metric

from outrigger_sidecar import cgroup
from outrigger_sidecar.collectors.base import Sample, family
from outrigger_telemetry.metric_specs import (
    CONTAINER_CPU_LIMIT,
    CONTAINER_CPU_SECONDS_TOTAL,
    CONTAINER_MEMORY_BYTES,
    CONTAINER_MEMORY_LIMIT_BYTES,
)


class ContainerCollector:
    """Reads the control group at each scrape; without a limit there is nothing to show."""

    name = "container"

    def __init__(self, root: Path = cgroup.ROOT) -> None:
        self._root = root

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        memory, cpu = cgroup.memory_use(self._root), cgroup.cpu_use(self._root)
        return [
            family(CONTAINER_MEMORY_BYTES, _one(memory.used) if memory else []),
            family(CONTAINER_MEMORY_LIMIT_BYTES, _one(memory.limit) if memory else []),
            family(CONTAINER_CPU_SECONDS_TOTAL, _one(cpu.seconds) if cpu else []),
            family(CONTAINER_CPU_LIMIT, _one(cpu.limit) if cpu else []),
        ]


def _one(value: float) -> list[Sample]:
    return [({}, float(value))]
