"""A server that is seen by its API alone, under the names that our own server's figures have."""

from collections import defaultdict
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import Sample, family, samples_by
from outrigger_sidecar.remote_server import Load, RemoteServer, Requests
from outrigger_telemetry.metric_specs import (
    HTTP_SERVER_REQUESTS_TOTAL,
    MAX_OPEN_VALUES,
    METHOD,
    OVERFLOW_VALUE,
    RUN_QUEUE_DEPTH,
    RUN_QUEUE_OLDEST_SECONDS,
    RUNS,
    RUNS_STUCK,
    TARGET_INFO,
    UNMATCHED_ROUTE,
    WORKER_SLOTS,
)


class RemoteServerCollector:
    """Asks the server at each scrape what it has to do and who does it."""

    name = "remote_server"

    def __init__(self, server: RemoteServer, *, stall_seconds: float) -> None:
        self._server = server
        self._stall_seconds = stall_seconds
        self._routes: set[str] = set()

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        load = self._server.load()
        version = self._server.version()
        info = {"version": version.server, "langgraph_version": version.langgraph}
        return [
            family(TARGET_INFO, [(info, 1.0)]),
            family(RUNS, _known("status", pending=load.pending, running=load.running)),
            family(RUN_QUEUE_DEPTH, _known("blocked", unknown=load.pending)),
            family(RUN_QUEUE_OLDEST_SECONDS, _oldest(load)),
            family(RUNS_STUCK, _stuck(load, self._stall_seconds)),
            family(WORKER_SLOTS, _slots(load)),
            family(HTTP_SERVER_REQUESTS_TOTAL, self._answered(load.requests)),
        ]

    def _answered(self, requests: Iterable[Requests]) -> list[Sample]:
        counts: defaultdict[tuple[str, str, str], float] = defaultdict(float)
        for each in requests:
            method = each.method if each.method in METHOD.values else "_OTHER"
            counts[method, self._route(each.route), each.status] += each.count
        return [
            ({"method": method, "route": route, "status": status}, count)
            for (method, route, status), count in counts.items()
        ]

    def _route(self, route: str) -> str:
        """The route, as long as there are not too many; another server may count each path."""
        if route not in self._routes and len(self._routes) >= MAX_OPEN_VALUES:
            return OVERFLOW_VALUE
        self._routes.add(route)
        return route or UNMATCHED_ROUTE


def _known(label: str, **figures: float | None) -> list[Sample]:
    return [({label: name}, value) for name, value in figures.items() if value is not None]


def _oldest(load: Load) -> list[Sample]:
    if load.pending is None:
        return []
    return samples_by(
        "blocked", {"false": load.oldest_unblocked or 0.0, "unknown": load.oldest or 0.0}
    )


def _stuck(load: Load, stall_seconds: float) -> list[Sample]:
    if load.pending is None or load.free_slots is None:
        return []
    is_stalled = load.free_slots > 0 and (load.oldest_unblocked or 0.0) > stall_seconds
    return samples_by("kind", {"pending_with_free_slots": load.pending if is_stalled else 0.0})


def _slots(load: Load) -> list[Sample]:
    if load.slots is None or load.free_slots is None:
        return []
    return samples_by("state", {"busy": load.slots - load.free_slots, "idle": load.free_slots})
