"""How full the relay's spool is."""

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import family
from outrigger_sidecar.relay.relay import Standing
from outrigger_telemetry.metric_specs import RELAY_SPOOL_BYTES, RELAY_SPOOL_OLDEST_SECONDS


class RelayCollector:
    """Looks at the spool at each scrape."""

    name = "relay"

    def __init__(self, standing: Callable[[], Standing | None]) -> None:
        self._standing = standing

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        standing = self._standing()
        size = 0 if standing is None else standing.spool_bytes
        oldest = 0.0 if standing is None else standing.oldest_seconds
        return [
            family(RELAY_SPOOL_BYTES, [({}, size)]),
            family(RELAY_SPOOL_OLDEST_SECONDS, [({}, oldest)]),
        ]
