"""Windows of time: where they begin for whom, and what is left in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.domain.rate import RouteClass, Standing, Window, window_of

NOW = 1_800_000_000_000_000
PLAIN, RUNS = RouteClass.PLAIN, RouteClass.RUNS


@given(
    now=st.integers(0, 4_000_000_000_000_000),
    seconds=st.integers(1, 86400 * 30),
    caller=st.text(max_size=30),
)
def test_who_waits_until_the_end_finds_the_next_window_and_nobody_sooner(now, seconds, caller):
    window = window_of(PLAIN, caller, seconds, now)
    left = round(window.ends_in * MICROSECONDS)
    assert 0 < left <= seconds * MICROSECONDS
    assert window_of(PLAIN, caller, seconds, now + left - 1).key == window.key
    assert window_of(PLAIN, caller, seconds, now + left).key != window.key
    resets_in = Standing(1, 1, window).resets_in
    assert resets_in >= window.ends_in
    assert resets_in < window.ends_in + 1 or resets_in == 1


def test_a_window_is_one_callers_of_one_class_and_one_limit():
    keys = {
        window_of(each, caller, seconds, NOW).key
        for each in RouteClass
        for caller in ("user ann", "user bob", "address 192.0.2.1")
        for seconds in (60, 3600)
    }
    assert len(keys) == 18


def test_a_key_names_nobody_and_is_short_whoever_it_is():
    key = window_of(RUNS, "user " + "ann@example.org" * 1000, 60, NOW).key
    assert "ann" not in key
    assert len(key) < 80


def test_windows_of_many_callers_end_all_over_the_time():
    ends = [window_of(PLAIN, f"user {n}", 60, NOW).ends_in for n in range(600)]
    in_tenths = [sum(1 for end in ends if tenth <= end / 6 < tenth + 1) for tenth in range(10)]
    assert all(30 <= count <= 90 for count in in_tenths)


def test_half_a_letter_in_a_name_is_no_fault():
    assert window_of(PLAIN, "user \ud83d", 60, NOW).key


@pytest.mark.parametrize(
    ("count", "exceeded", "remaining"), [(1, False, 2), (3, False, 0), (4, True, 0), (9, True, 0)]
)
def test_as_many_as_the_limit_says_pass(count, exceeded, remaining):
    standing = Standing(3, count, Window("k", 0.2))
    assert (standing.exceeded, standing.remaining, standing.resets_in) == (exceeded, remaining, 1)
