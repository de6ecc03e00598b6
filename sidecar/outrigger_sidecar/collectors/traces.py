"""How many traces are open, and for how long."""

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import family
from outrigger_telemetry.metric_specs import TRACE_AGE_MAX_SECONDS, TRACES_OPEN


class TracesCollector:
    """Gives the gauges of the traces; `open_ages` tells their number and the oldest's age."""

    name = "traces"

    def __init__(self, open_ages: Callable[[], tuple[int, float]]) -> None:
        self._open_ages = open_ages

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        count, age = self._open_ages()
        return [family(TRACES_OPEN, [({}, count)]), family(TRACE_AGE_MAX_SECONDS, [({}, age)])]
