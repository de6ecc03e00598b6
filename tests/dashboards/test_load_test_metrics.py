"""The boards know of the load generator what its page says: names, kinds, labels, bounds, words."""

import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from fakes.queue_transport import QueueTransport
from harness.stages import SimulatedFleet, order
from outrigger_dashboards.metrics.load_test import LATENCY_BUCKETS, LOAD_TEST, OPERATION, STRATEGY
from outrigger_loadtests.capacity.results import summed
from outrigger_loadtests.generator.metrics import GeneratorMetrics, served
from outrigger_loadtests.measures.buckets import BOUNDS
from outrigger_loadtests.measures.tally import OPERATIONS
from outrigger_loadtests.settings import LABELS

LOOPBACK = ("127.0.0.1", 0)


@pytest.fixture(scope="module")
def page() -> dict[str, Metric]:
    """What the generator serves after a stage, by family."""
    metrics = GeneratorMetrics("one")
    fleet = SimulatedFleet(lambda clock: QueueTransport(clock, 100.0))
    this = order()
    metrics.begin_stage(this)
    fleet.hold(this)
    for standing in fleet.told:
        metrics.tell(summed([standing]))
    with served(metrics, LOOPBACK) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
    return {each.name: each for each in text_string_to_metric_families(text)}


def labels(family: Metric) -> Iterator[set[str]]:
    for sample in family.samples:
        yield set(sample.labels) - {"le"}


def test_the_page_is_the_catalogue_no_more_and_no_less(page: dict[str, Metric]) -> None:
    assert {(each.name, each.type, each.documentation) for each in page.values()} == {
        (spec.family, spec.kind, spec.help) for spec in LOAD_TEST
    }


def test_each_series_has_the_labels_of_the_catalogue(page: dict[str, Metric]) -> None:
    for spec in LOAD_TEST:
        found = list(labels(page[spec.family]))
        assert found
        assert all(each == set(spec.label_names) for each in found), spec.name


def test_buckets_and_values_of_labels_are_those_of_the_catalogue(page: dict[str, Metric]) -> None:
    (histogram,) = (spec for spec in LOAD_TEST if spec.kind == "histogram")
    bounds = {
        float(sample.labels["le"])
        for sample in page[histogram.family].samples
        if "le" in sample.labels
    }
    assert bounds == {*LATENCY_BUCKETS, float("inf")}
    assert LATENCY_BUCKETS == BOUNDS
    assert OPERATION.values == OPERATIONS
    assert set(STRATEGY.values) == set(LABELS)
