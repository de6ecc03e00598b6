"""The server without any instrumentation: nothing counted, nothing logged below critical.

Takes the command line of `outrigger`. It is there to be compared with, not to be used.
"""

from pathlib import Path
from typing import Any

from typing_extensions import override

from outrigger_server import cli
from outrigger_telemetry.metric_cells import MemoryCells
from outrigger_telemetry.metric_specs import MetricSpec
from outrigger_telemetry.metrics import Metrics


class NoMetrics(Metrics):
    """Counts nothing."""

    @override
    def increment(self, spec: MetricSpec, /, *args: Any, **labels: str) -> None:
        pass

    @override
    def observe(self, spec: MetricSpec, /, *args: Any, **labels: str) -> None:
        pass

    @override
    def set(self, spec: MetricSpec, /, *args: Any, **labels: str) -> None:
        pass

    @override
    def add(self, spec: MetricSpec, /, *args: Any, **labels: str) -> None:
        pass


def no_metrics(directory: Path, *, role: str) -> Metrics:
    """Stand in for `open_process_metrics`."""
    del directory, role
    return NoMetrics(MemoryCells(), ())


if __name__ == "__main__":
    cli.open_process_metrics = no_metrics  # type: ignore[attr-defined]
    cli.main()
