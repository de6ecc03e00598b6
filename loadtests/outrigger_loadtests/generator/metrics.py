"""The generator's own Prometheus metrics, so that a board sees what was offered beside what came.

They are those of all workers together; the process that leads them serves them. Each has the test
as a label, so that a board tells one test from the next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from typing_extensions import override

from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.generator.stage import Order, Standing
from outrigger_loadtests.measures.buckets import BOUNDS, Spread, added

PREFIX = "outrigger_loadtest"
COUNTERS = {
    "conversations_offered": "Conversations that were to begin.",
    "conversations_achieved": "Conversations that came to their end.",
    "conversations_dropped": "Conversations never begun: no place under the cap.",
    "errors": "Requests that failed; 409 is none.",
}
GAUGES = {
    "conversations_in_flight": "Conversations that go on.",
    "send_lag_p99_seconds": "How late arrivals are begun, lately.",
    "stage_rate": "Conversations a second that this stage offers.",
    "stage_number": "The stage that goes on.",
}
LATENCY = (
    "How long people wait, from when they meant to send; what is sent while warming up is out."
)


class GeneratorMetrics(Collector):
    """Counts what workers tell of one test, in a registry of its own.

    While the generator is calibrated only the send lag is told: no server is asked then.
    """

    def __init__(self, test: str = "") -> None:
        self.test = test
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._counters = dict.fromkeys(COUNTERS, 0)
        self._gauges = dict.fromkeys(GAUGES, 0.0)
        self._before: list[Spread] = []
        self._last = Standing()
        self._idle = False

    def begin_stage(self, order: Order) -> None:
        """Say which stage begins."""
        self._before, self._last = self._latencies(), Standing()
        self._idle = order.idle
        self._gauges["stage_number"] = order.number
        self._gauges["stage_rate"] = 0.0 if order.idle else order.rate

    def tell(self, standing: Standing) -> None:
        """Take where all workers stand in this stage."""
        self._gauges["send_lag_p99_seconds"] = standing.send_lag
        if self._idle:
            return
        last, self._last = self._last, standing
        told = {
            "conversations_offered": standing.offered - last.offered,
            "conversations_achieved": standing.achieved - last.achieved,
            "conversations_dropped": standing.dropped - last.dropped,
            "errors": standing.errors - last.errors,
        }
        for name, more in told.items():
            self._counters[name] += max(0, more)
        self._gauges["conversations_in_flight"] = standing.in_flight

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield everything as it is now."""
        for name, told in COUNTERS.items():
            counter = CounterMetricFamily(f"{PREFIX}_{name}", told, labels=["test"])
            counter.add_metric([self.test], self._counters[name])
            yield counter
        for name, told in GAUGES.items():
            gauge = GaugeMetricFamily(f"{PREFIX}_{name}", told, labels=["test"])
            gauge.add_metric([self.test], self._gauges[name])
            yield gauge
        labels = ["test", "operation", "strategy"]
        family = HistogramMetricFamily(f"{PREFIX}_latency_seconds", LATENCY, labels=labels)
        for each in self._latencies():
            labelled = [self.test, each.operation, each.strategy]
            family.add_metric(labelled, _cumulative(each), each.seconds)
        yield family

    def _latencies(self) -> list[Spread]:
        return added(self._before, self._last.latencies)


def _cumulative(spread: Spread) -> list[tuple[str, float]]:
    bounds = (*map(floatToGoString, BOUNDS), "+Inf")
    return list(zip(bounds, accumulate(spread.counts), strict=True))


def address(option: str, given: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, or of a port alone, which is served on loopback.

    Raises:
        UsageError: It is neither.
    """
    host, _, port = given.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise UsageError(f"{option}: {given!r} is no address such as 127.0.0.1:9646")
    return host or "127.0.0.1", int(port)


@contextmanager
def served(metrics: GeneratorMetrics, place: tuple[str, int] | None) -> Iterator[int]:
    """Serve metrics at a place, if one is given, under /metrics; yield the port, 0 for none.

    Raises:
        UsageError: The place is taken.
    """
    if place is None:
        yield 0
        return
    host, port = place
    try:
        server, thread = start_http_server(port, addr=host, registry=metrics.registry)
    except OSError as error:
        raise UsageError(f"--metrics-address: {host}:{port}: {error.strerror}") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
