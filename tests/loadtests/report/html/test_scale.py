import pytest

from outrigger_loadtests.report.html.scale import Scale, clock, clock_ticks, milliseconds, ticks


def test_values_have_their_place_and_what_is_outside_goes_to_the_edge():
    scale = Scale(10, 20, 100, 200)
    assert [scale.at(each) for each in (10, 15, 20, 0, 99)] == [100, 150, 200, 100, 200]
    assert Scale(5, 5, 0, 10).at(5) == 0


@pytest.mark.parametrize("most", [0.0013, 0.9, 1, 7, 99, 100, 1234, 8e6])
def test_ticks_are_few_round_and_reach_over_everything(most):
    found = ticks(most)
    assert 2 <= len(found) <= 7
    assert found[0] == 0
    assert found[-2] < most <= found[-1] + 1e-9


def test_nothing_has_ticks_all_the_same():
    assert ticks(0) == [0.0, 1.0]


@pytest.mark.parametrize("seconds", [0.4, 1, 9, 61, 4_000, 90_000, 600_000])
def test_times_have_few_ticks_within_them(seconds):
    found = clock_ticks(seconds)
    assert 2 <= len(found) <= 10
    assert found[-1] <= seconds


def test_times_are_told_as_clocks_do():
    assert [clock(each) for each in (0.4, 40, 200, 3_900)] == ["0.4 s", "40 s", "3:20", "1:05:00"]
    told = [milliseconds(each) for each in (None, 1.234, 56.78, 1_970, 12_345)]
    assert told == ["–", "1.23 ms", "56.8 ms", "1,970 ms", "12.3 s"]  # noqa: RUF001  a dash
