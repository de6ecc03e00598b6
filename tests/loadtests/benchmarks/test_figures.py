"""Percentiles, spreads and ratios."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.engine.figures import Spread, latencies, percentile, ratio, spread

NUMBERS = st.lists(st.floats(0, 1e6), min_size=1)


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 2), (75, 3), (76, 4), (100, 4)])
def test_a_percentile_is_one_of_the_values(percent: int, expected: int) -> None:
    assert percentile([4, 2, 1, 3], percent) == expected


@given(NUMBERS, st.integers(1, 100))
def test_so_many_values_are_not_above_a_percentile_and_one_less_would_be_too_few(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)
    assert sum(each <= found for each in values) * 100 >= percent * len(values)
    assert sum(each < found for each in values) * 100 < percent * len(values)


def test_no_values_have_no_percentiles() -> None:
    assert latencies([]) == {}
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_latencies_are_in_milliseconds() -> None:
    assert latencies([0.5]) == {"p50_ms": 500, "p95_ms": 500, "p99_ms": 500}


def test_a_spread_leaves_out_what_was_not_measured() -> None:
    assert spread([3.0, None, 1.0, 8.0]) == Spread(3.0, 1.0, 8.0)
    assert spread([None]) is None


@pytest.mark.parametrize(("dividend", "divisor"), [(None, 2.0), (2.0, None), (2.0, 0.0)])
def test_there_is_no_ratio_to_nothing(dividend: float | None, divisor: float | None) -> None:
    assert ratio(dividend, divisor) is None
    assert ratio(6.0, 2.0) == 3.0
