"""Puts what all collectors found onto one page."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector as Registry
from prometheus_client.samples import Sample
from typing_extensions import override

from outrigger_sidecar.collectors.base import Collector, family, samples_by
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metric_specs import (
    SIDECAR_COLLECTOR_AGE_SECONDS,
    SIDECAR_COLLECTOR_DURATION_SECONDS,
    SIDECAR_COLLECTOR_SUCCESS,
)

log = get_logger("outrigger_sidecar.collectors")


class Page(Registry):
    """All metric families of one scrape; has the `collect` that the text formats ask for.

    A collector that fails is missing from the page, and named on it; the page never fails.
    """

    def __init__(
        self, collectors: Sequence[Collector], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._collectors = tuple(collectors)
        self._one_at_a_time = threading.Lock()
        self._broken: set[str] = set()
        self._clock = clock
        self._worked_at: dict[str, float] = {}

    @override
    def collect(self) -> Iterable[Metric]:
        """Run all collectors now."""
        with self._one_at_a_time:
            return self._collect()

    def _collect(self) -> list[Metric]:
        found: list[Metric] = []
        seconds: dict[str, float] = {}
        success: dict[str, bool] = {}
        for collector in self._collectors:
            started = time.perf_counter()
            success[collector.name] = self._run(collector, found)
            seconds[collector.name] = time.perf_counter() - started
            if success[collector.name]:
                self._worked_at[collector.name] = self._clock()
        now = self._clock()
        ages = {
            name: 0.0 if success[name] else now - since for name, since in self._worked_at.items()
        }
        found += [
            family(
                SIDECAR_COLLECTOR_DURATION_SECONDS,
                samples_by("collector", seconds),
            ),
            family(SIDECAR_COLLECTOR_AGE_SECONDS, samples_by("collector", ages)),
            family(
                SIDECAR_COLLECTOR_SUCCESS,
                [({"collector": name}, float(value)) for name, value in success.items()],
            ),
        ]
        return merge(found)

    def _run(self, collector: Collector, found: list[Metric]) -> bool:
        try:
            found += list(collector.collect())
        except Exception as error:  # noqa: BLE001  the edge around one collector
            if collector.name not in self._broken:  # once, not at every scrape
                self._broken.add(collector.name)
                log.warning("collector_failed", collector=collector.name, error=error)
            return False
        if collector.name in self._broken:
            self._broken.discard(collector.name)
            log.info("collector_works_again", collector=collector.name)
        return True


def merge(families: Iterable[Metric]) -> list[Metric]:
    """Make one family of those with equal names, and one sample of those with equal labels.

    The server and the sidecar count some things under one name, such as log lines.
    """
    merged: dict[str, Metric] = {}
    for metric in families:
        known = merged.get(metric.name)
        if known is None:
            merged[metric.name] = metric
        else:
            known.samples = _add_samples([*known.samples, *metric.samples])
    for metric in merged.values():
        if metric.type == "histogram":
            metric.samples = _grouped(metric.samples)
    return list(merged.values())


_PLACES = {"_bucket": 0, "_count": 1, "_sum": 2}


def _grouped(samples: Iterable[Sample]) -> list[Sample]:
    """All samples of one histogram together, as OpenMetrics demands."""
    groups: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in samples:
        own = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        groups.setdefault(own, []).append(sample)
    return [sample for group in groups.values() for sample in sorted(group, key=_place)]


def _place(sample: Sample) -> int:
    return _PLACES["_" + sample.name.rpartition("_")[2]]


def _add_samples(samples: Iterable[Sample]) -> list[Sample]:
    added: dict[tuple[str, tuple[tuple[str, str], ...]], Sample] = {}
    for each in samples:
        sample = each
        key = (sample.name, tuple(sorted(sample.labels.items())))
        known = added.get(key)
        if known is not None:
            both = known.value + sample.value
            sample = known._replace(value=both, exemplar=sample.exemplar or known.exemplar)
        added[key] = sample
    return list(added.values())
