"""Why a load does not hold: each reason by itself, and none where there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrigger_loadtests.capacity.results import Result, achieved_share, objections, summed
from outrigger_loadtests.generator.stage import Standing
from outrigger_loadtests.measures.histograms import Latencies
from outrigger_loadtests.measures.tally import Counts

SECOND = 1_000_000_000


def result(dropped: int = 0, slow: int = 0, **counts: int) -> Result:
    """A stage of a hundred runs that took a second each, `slow` of them ten."""
    latencies = Latencies()
    for n in range(100):
        took = (10 if n < slow else 1) * SECOND
        latencies.record("total", "enqueue", took, took)
    usual = {"requests": 200, "requested": 100, "ended": 100}
    return Result(
        arrivals=100,
        completed=100,
        dropped=dropped,
        in_flight_most=10,
        drained=0.0,
        counts=Counts(**{**usual, **counts}),
        latencies=latencies,
        send_lag=0.0,
        cpu=0.0,
        checked=b"",
        unfinished=frozenset(),
    )


def said(this: Result, failures: int = 0, seconds: float = 5.0) -> str:
    return "; ".join(objections(this, {"total": seconds}, 0.01, failures))


def test_a_load_that_holds_has_no_objection() -> None:
    assert said(result()) == ""


def test_the_p95_is_what_counts() -> None:
    assert said(result(slow=5)) == ""
    assert said(result(slow=6)).startswith("total p95 10.0")


@pytest.mark.parametrize(
    ("errors", "dropped", "holds"), [(2, 0, True), (3, 0, False), (0, 3, False)]
)
def test_the_error_budget_is_of_requests_and_of_who_was_dropped(
    errors: int, dropped: int, *, holds: bool
) -> None:
    assert ("failed or were dropped" not in said(result(dropped=dropped, errors=errors))) is holds


@pytest.mark.parametrize(
    ("begin", "end", "grows"),
    [
        (0, 5, False),  # a handful is nothing
        (0, 7, True),
        (10, 30, True),
        (100, 130, False),  # a hundred on their way vary by as much
        (100, 160, True),
        (60, 10, False),
    ],
)
def test_growth_is_more_than_chance(begin: int, end: int, *, grows: bool) -> None:
    text = said(result(flying_begin=begin, flying_end=end))
    assert ("it grows" in text) is grows


def test_growth_of_two_in_a_hundred_is_none() -> None:
    assert said(result(requested=1000, flying_end=19)) == ""
    assert "it grows" in said(result(requested=1000, flying_end=21))


def test_a_broken_promise_and_an_empty_stage_are_said() -> None:
    assert said(result(), failures=2) == "the checker found 2 broken promises"
    assert "nothing was asked for" in said(result(requests=0))


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_no_more_is_achieved_than_was_asked_for(begin: int, end: int, requested: int) -> None:
    counts = Counts(requested=requested, flying_begin=begin, flying_end=end)
    assert achieved_share(counts) <= 1.0


def test_the_standing_of_all_is_their_sum_and_the_worst_lag() -> None:
    found = summed([Standing(at=1, offered=3, send_lag=0.1), Standing(at=2, offered=4)])
    assert (found.at, found.offered, found.send_lag) == (2, 7, 0.1)
