"""What the server counts, under the names that dashboards of other LangGraph servers ask for.

The sidecar's page is the one to scrape: it answers while the server hangs, and says more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.samples import Sample
from typing_extensions import override

from outrigger_server.domain.clock import MICROSECONDS, Clock
from outrigger_server.stores.base import Database
from outrigger_server.stores.queue import QueueNumbers, queue_numbers
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import format_bound

PREFIX = "lg_api_"
MILLISECONDS = 1000

_UNCOUNTED = frozenset({"/ok", "/metrics"})
_NO_METRIC = Metric("none", "", "untyped")

Families = Mapping[str, Metric]


@dataclass(frozen=True, slots=True)
class LgNumbers:
    """Everything that is shown, from about one moment."""

    families: Families
    queue: QueueNumbers
    now: int

    def slots(self) -> dict[str, float]:
        """The workers' slots; one that a zombie keeps is not available."""
        states: dict[str, float] = defaultdict(float)
        for sample in self.samples(specs.WORKER_SLOTS):
            states[sample.labels["state"]] += sample.value
        active = states["busy"] + states["zombie"]
        return {"max": active + states["idle"], "active": active, "available": states["idle"]}

    def requests(self) -> list[Sample]:
        """Requests counted by method, route and status."""
        return [
            each
            for each in self.samples(specs.HTTP_SERVER_REQUESTS_TOTAL)
            if each.value and each.labels["route"] not in _UNCOUNTED
        ]

    def samples(self, spec: specs.MetricSpec) -> Sequence[Sample]:
        """What all processes have of a metric of ours."""
        return self.families.get(spec.family, _NO_METRIC).samples

    def waited(self, since: int | None) -> float | None:
        """How long ago that was, in seconds."""
        return None if since is None else max(0, self.now - since) / MICROSECONDS


class LgPage:
    """Reads the metric files and the queue, off the event loop, for one reader at a time."""

    def __init__(self, files: MetricFiles, database: Database, clock: Clock) -> None:
        self._files = files
        self._database = database
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def text(self) -> bytes:
        """The page in Prometheus's format."""
        numbers = await self._numbers()
        return await asyncio.to_thread(_as_text, numbers)

    async def json(self) -> dict[str, Any]:
        """The same in short, as JSON."""
        return _as_json(await self._numbers())

    async def _numbers(self) -> LgNumbers:
        async with self._one_at_a_time:
            page = await asyncio.to_thread(self._files.read)
            now = self._clock.now()
            queue = await self._database.read(partial(queue_numbers, now=now))
        return LgNumbers({family.name: family for family in page.families}, queue, now)


def _as_json(numbers: LgNumbers) -> dict[str, Any]:
    queue = numbers.queue
    return {
        "queue": {
            "n_pending": queue.pending,
            "n_running": queue.running,
            "pending_runs_wait_time_max_secs": numbers.waited(queue.oldest),
            "pending_runs_wait_time_med_secs": numbers.waited(queue.median),
            "pending_unblocked_runs_wait_time_max_secs": numbers.waited(queue.oldest_unblocked),
        },
        "api": {
            "http_requests_total": [
                {
                    "method": sample.labels["method"],
                    "path": _path(sample.labels["route"]),
                    "status": int(sample.labels["status"]),
                    "count": int(sample.value),
                }
                for sample in numbers.requests()
                if sample.labels["status"] != specs.OVERFLOW_VALUE
            ]
        },
        "workers": {name: int(value) for name, value in numbers.slots().items()},
    }


def _as_text(numbers: LgNumbers) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Families(_renamed(numbers)))
    return bytes(generate_latest(registry))


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    @override
    def collect(self) -> Iterable[Metric]:
        return self._families


def _renamed(numbers: LgNumbers) -> list[Metric]:
    slots = numbers.slots()
    queue = numbers.queue
    requests = Metric(f"{PREFIX}http_requests", "HTTP requests.", "counter")
    for sample in numbers.requests():
        status = sample.labels["status"]
        labels = {**_request(sample.labels), "status": status}
        requests.add_sample(f"{PREFIX}http_requests_total", labels, sample.value)
    latency = Metric(
        f"{PREFIX}http_requests_latency", "HTTP request latency in milliseconds.", "histogram"
    )
    timed = numbers.samples(specs.HTTP_SERVER_REQUEST_DURATION_SECONDS)
    kept = [sample for sample in timed if sample.labels["route"] not in _UNCOUNTED]
    _add_histogram(latency, [(sample, _request(sample.labels)) for sample in kept])
    wait = Metric(
        f"{PREFIX}run_queue_wait_time_1st_attempt",
        "Time runs waited for their first attempt, in milliseconds.",
        "histogram",
    )
    waits = numbers.samples(specs.RUN_QUEUE_WAIT_SECONDS)
    _add_histogram(wait, [(each, {}) for each in waits if each.labels["attempt"] == "first"])
    return [
        _gauge("workers_max", "Slots for runs.", slots["max"]),
        _gauge("workers_active", "Slots in use.", slots["active"]),
        _gauge("workers_available", "Slots that are free.", slots["available"]),
        _gauge("num_pending_runs", "Runs that wait.", queue.pending),
        _gauge("num_running_runs", "Runs that run.", queue.running),
        requests,
        latency,
        wait,
    ]


def _gauge(name: str, text: str, value: float) -> Metric:
    metric = Metric(PREFIX + name, text, "gauge")
    metric.add_sample(PREFIX + name, {}, value)
    return metric


def _request(labels: Mapping[str, str]) -> dict[str, str]:
    return {"method": labels["method"], "path": _path(labels["route"])}


def _path(route: str) -> str:
    return "" if route == specs.UNMATCHED_ROUTE else route


def _add_histogram(metric: Metric, samples: Iterable[tuple[Sample, dict[str, str]]]) -> None:
    """Add histograms of seconds up under fewer labels, in milliseconds."""
    sums: dict[tuple[tuple[str, str], ...], dict[tuple[str, str], float]] = {}
    for sample, labels in samples:
        suffix = sample.name.rpartition("_")[2]
        bound = sample.labels.get("le", "")
        parts = sums.setdefault(tuple(sorted(labels.items())), {})
        scaled = sample.value * MILLISECONDS if suffix == "sum" else sample.value
        key = (suffix, _milliseconds(bound))
        parts[key] = parts.get(key, 0.0) + scaled
    for own, parts in sums.items():
        for (suffix, bound), value in parts.items():
            more = {"le": bound} if bound else {}
            metric.add_sample(f"{metric.name}_{suffix}", {**dict(own), **more}, value)


def _milliseconds(bound: str) -> str:
    if bound in {"", "+Inf"}:
        return bound
    return format_bound(round(float(bound) * MILLISECONDS, 6))
