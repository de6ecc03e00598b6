"""The search finds a threshold wherever it is, in as few stages as that takes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrigger_loadtests.capacity.search import LEAST, Search
from outrigger_loadtests.report.capacity_json import StageKind


def searched(
    limit: float, start: float = 1.0, most: float = 10_000.0
) -> tuple[Search, list[float]]:
    search, tried = Search(start, most), list[float]()
    while (rate := search.rate) is not None:
        tried.append(rate)
        search.tell(rate, held=rate <= limit)
    return search, tried


@given(st.floats(0.02, 9000), st.floats(0.02, 9000))
def test_what_holds_is_within_a_twentieth_of_the_limit(limit: float, start: float) -> None:
    search, tried = searched(limit, start)
    assert search.holds is not None
    assert limit / 1.0501 <= search.holds <= limit
    steps = abs(math.log(limit / start) / math.log(1.5))
    assert len(tried) <= steps + 7


@given(st.floats(1, 9000))
def test_no_rate_is_tried_twice(limit: float) -> None:
    _, tried = searched(limit)
    assert len(set(tried)) == len(tried)


def test_the_steps_up_are_by_half() -> None:
    _, tried = searched(100, start=10)
    assert tried[:7] == pytest.approx([10, 15, 22.5, 33.75, 50.625, 75.9375, 113.90625])


def test_no_more_than_the_most_is_tried() -> None:
    search, tried = searched(1e9, start=10, most=40)
    assert tried == [10, 15, 22.5, 33.75, 40]
    assert (search.holds, search.breaks) == (40, None)


def test_a_server_that_holds_nothing_ends_the_search() -> None:
    search, tried = searched(0.0)
    assert search.holds is None
    assert min(tried) >= LEAST


def test_the_kind_says_why_a_rate_is_tried() -> None:
    search = Search(10, 1000)
    assert search.kind is StageKind.GEOMETRIC
    search.tell(10, held=True)
    assert search.kind is StageKind.GEOMETRIC
    search.tell(15, held=False)
    assert search.kind is StageKind.BISECTION
