"""The generator's own Prometheus metrics, so that a board sees what was offered beside what came.

They are those of all workers together; the process that leads them serves them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.generator.stage import Standing

PREFIX = "outrigger_loadtest"


class GeneratorMetrics:
    """Counts what workers tell, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._last = Standing()
        self._counters = {
            name: Counter(f"{PREFIX}_{name}", help_, registry=self.registry)
            for name, help_ in (
                ("conversations_offered", "Conversations that were to begin."),
                ("conversations_achieved", "Conversations that came to their end."),
                ("conversations_dropped", "Conversations never begun: no place under the cap."),
                ("errors", "Requests that failed; 409 is none."),
            )
        }
        self._in_flight = self._gauge("conversations_in_flight", "Conversations that go on.")
        self._lag = self._gauge("send_lag_p99_seconds", "How late arrivals are begun, lately.")
        self._rate = self._gauge("stage_rate", "Conversations a second that this stage offers.")
        self._stage = self._gauge("stage_number", "The stage that goes on.")

    def begin_stage(self, number: int, rate: float) -> None:
        """Say which stage begins."""
        self._last = Standing()
        self._stage.set(number)
        self._rate.set(rate)

    def tell(self, standing: Standing) -> None:
        """Take where all workers stand in this stage."""
        last, self._last = self._last, standing
        told = {
            "conversations_offered": standing.offered - last.offered,
            "conversations_achieved": standing.achieved - last.achieved,
            "conversations_dropped": standing.dropped - last.dropped,
            "errors": standing.errors - last.errors,
        }
        for name, more in told.items():
            self._counters[name].inc(max(0, more))
        self._in_flight.set(standing.in_flight)
        self._lag.set(standing.send_lag)

    def _gauge(self, name: str, told: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", told, registry=self.registry)


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
