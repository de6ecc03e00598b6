"""What the sidecar counts itself."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from outrigger_telemetry.metrics import Metrics


class OwnMetricsCollector:
    """Gives the sidecar's own metrics."""

    name = "own"

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        return self._metrics.collect()
