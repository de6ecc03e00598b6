"""Histograms keep three digits, and what is added up is what one would have counted."""

import statistics

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import example, given
from hypothesis import strategies as st

from outrigger_loadtests.measures.histograms import Histogram, Latencies

DURATIONS = st.lists(st.integers(0, 4_000_000_000_000), min_size=1, max_size=60)


def of(durations: list[int]) -> Histogram:
    found = Histogram()
    for each in durations:
        found.record(each)
    return found


@given(DURATIONS, DURATIONS)
def test_two_added_up_are_one_of_everything(some: list[int], others: list[int]) -> None:
    together, alone = of(some), of([*some, *others])
    together.add(of(others))
    assert together.encoded() == alone.encoded()
    assert together.percentiles(50, 95, 99) == alone.percentiles(50, 95, 99)


@given(DURATIONS)
def test_what_is_written_down_is_read_again(durations: list[int]) -> None:
    found = of(durations)
    again = Histogram(found.encoded())
    assert again.encoded() == found.encoded()
    assert (again.count, again.most, again.mean) == (found.count, found.most, found.mean)


@example([0, 0, 1000, 1000, 1000], 50.0)
@given(DURATIONS, st.sampled_from([1.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0]))
def test_percentiles_are_those_of_the_library(durations: list[int], percent: float) -> None:
    found = of(durations)
    plain: HdrHistogram = HdrHistogram.decode(found.encoded())
    assert found.percentile(percent) == plain.get_value_at_percentile(percent) / 1e6


@given(st.lists(st.integers(1_000, 3_600_000_000_000), min_size=1, max_size=60))
def test_three_digits_are_kept(durations: list[int]) -> None:
    found = of(durations)
    assert found.percentile(100) == pytest.approx(max(durations) / 1e9, rel=2e-3, abs=2e-6)
    assert found.mean == pytest.approx(statistics.mean(durations) / 1e9, rel=2e-3, abs=2e-6)


def test_an_empty_one_has_zeros() -> None:
    found = Histogram()
    assert (found.count, found.mean, found.most, found.percentile(95)) == (0, 0.0, 0.0, 0.0)


def test_over_an_hour_is_an_hour_and_before_the_beginning_is_nothing() -> None:
    assert of([10**15]).percentile(50) == pytest.approx(3600, rel=1e-3)
    assert of([-5]).percentile(50) < 1e-5


def test_latencies_are_told_apart_by_operation_and_strategy() -> None:
    here, there = Latencies(), Latencies()
    here.record("total", "enqueue", 2_000_000_000, 1_000_000_000)
    there.record("total", "reject", 4_000_000_000, 3_000_000_000)
    here.add_encoded(there.encoded())
    assert list(here.counted()) == [("total", "enqueue"), ("total", "reject")]
    assert here.corrected("total").count == 2
    corrected, uncorrected = here.of("total", "reject")
    assert corrected.most == pytest.approx(4, rel=1e-3)
    assert uncorrected.most == pytest.approx(3, rel=1e-3)
    assert here.of("cut", "reject")[0].count == 0
