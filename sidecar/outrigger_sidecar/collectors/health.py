"""The state and age of every health check."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import family
from outrigger_sidecar.health import CheckReport
from outrigger_telemetry.metric_specs import (
    CHECK_STATE,
    HEALTH_CHECK_AGE_SECONDS,
    HEALTH_STATUS,
)


class HealthCollector:
    """Shows what /health shows."""

    name = "health"

    def __init__(self, reports: Callable[[], Sequence[CheckReport]]) -> None:
        self._reports = reports

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        reports = self._reports()
        states = [
            ({"check": report.name, "state": state}, float(report.state == state))
            for report in reports
            for state in CHECK_STATE.values
        ]
        ages = [
            ({"check": report.name}, report.age_seconds)
            for report in reports
            if report.age_seconds is not None
        ]
        return [family(HEALTH_STATUS, states), family(HEALTH_CHECK_AGE_SECONDS, ages)]
