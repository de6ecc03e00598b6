"""What a collector is."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client.metrics_core import Metric

from outrigger_telemetry.metric_specs import MetricSpec

Sample = tuple[Mapping[str, str], float]


class Collector(Protocol):
    """Finds out some metrics at the time of a scrape.

    `collect` may block for a fraction of a second; an exception means: nothing to say this
    time. What is not known is left out, never repeated from before.
    """

    @property
    def name(self) -> str:
        """The value of the label `collector`."""
        ...

    def collect(self) -> Iterable[Metric]:
        """Give the metric families of this scrape."""
        ...


def family(spec: MetricSpec, samples: Iterable[Sample]) -> Metric:
    """Make the family of a counter or gauge from labels and values."""
    metric = Metric(spec.family, spec.help, spec.kind)
    for labels, value in samples:
        metric.add_sample(spec.name, dict(labels), value)
    return metric


def samples_by(label: str, values: Mapping[str, float]) -> list[Sample]:
    """Make a sample of each value, labelled with its name."""
    return [({label: name}, value) for name, value in values.items()]
