import random
from collections.abc import Iterable, Sequence
from itertools import product

import pytest
from prometheus_client import exposition, parser
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as open_exposition
from prometheus_client.openmetrics import parser as open_parser
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from outrigger_sidecar.collectors.page import merge

NAME = "langgraph_run_duration_seconds"
HELP = "Time of a run."
EDGES = ("0.1", "1.0", "10.0", "+Inf")
SETS = [
    {"assistant": assistant, "outcome": outcome}
    for assistant, outcome in product(("a", "b", "a\nb"), ("success", "error"))
]
SCALES = (1, 10)
"""Two processes count the same things."""


class Fixed(Collector):
    """Families that are there already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def series_of(labels: dict[str, str], scale: int) -> list[list[Sample]]:
    """The samples of one histogram; only its buckets have an order among them."""
    buckets = [
        Sample(f"{NAME}_bucket", {**labels, "le": edge}, float(scale * (number + 1)))
        for number, edge in enumerate(EDGES)
    ]
    count = Sample(f"{NAME}_count", labels, float(scale * len(EDGES)))
    return [buckets, [count], [Sample(f"{NAME}_sum", labels, scale * 2.5)]]


def riffled(chance: random.Random, piles: Sequence[Sequence[Sample]]) -> list[Sample]:
    """All samples in any order that keeps the order within each pile."""
    turns = [number for number, pile in enumerate(piles) for _ in pile]
    chance.shuffle(turns)
    rest = [iter(pile) for pile in piles]
    return [next(rest[number]) for number in turns]


def scrambled(seed: int) -> list[Metric]:
    """The same histograms from two processes, and another family between them."""
    chance = random.Random(seed)
    families = []
    for scale in SCALES:
        family = Metric(NAME, HELP, "histogram")
        piles = [pile for labels in SETS for pile in series_of(labels, scale)]
        family.samples = riffled(chance, piles)
        between = Metric("langgraph_log_lines", "Lines.", "counter")
        between.add_sample("langgraph_log_lines_total", {"level": "info"}, scale)
        families += [family, between]
    return families


def seen(families: Iterable[Metric]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


EXPECTED = {
    (sample.name, frozenset(sample.labels.items())): sample.value * sum(SCALES)
    for labels in SETS
    for pile in series_of(labels, 1)
    for sample in pile
} | {("langgraph_log_lines_total", frozenset({("level", "info")})): float(sum(SCALES))}


@pytest.mark.parametrize("seed", range(10))
def test_prometheus_reads_merged_histograms_in_its_old_format(seed: int) -> None:
    page = exposition.generate_latest(Fixed(merge(scrambled(seed)))).decode()

    assert seen(parser.text_string_to_metric_families(page)) == EXPECTED


@pytest.mark.parametrize("seed", range(10))
def test_prometheus_reads_merged_histograms_as_open_metrics(seed: int) -> None:
    page = open_exposition.generate_latest(Fixed(merge(scrambled(seed)))).decode()

    assert seen(open_parser.text_string_to_metric_families(page)) == EXPECTED


def test_one_family_alone_is_put_in_order_too() -> None:
    page = open_exposition.generate_latest(Fixed(merge(scrambled(0)[:1]))).decode()

    (family,) = open_parser.text_string_to_metric_families(page)
    assert len(family.samples) == len(SETS) * (len(EDGES) + 2)
