"""The fit finds the law that points were made of, and says nothing where there are too few."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrigger_loadtests.capacity.usl import fit, throughput

USERS = (1, 2, 4, 8, 16, 32)


@given(st.floats(0.1, 1000), st.floats(0, 0.9), st.floats(0.0001, 0.05))
def test_the_law_is_found_again(gamma: float, alpha: float, beta: float) -> None:
    found = fit([(each, throughput(each, gamma, alpha, beta)) for each in USERS])
    assert found is not None
    assert (found.gamma, found.alpha, found.beta) == pytest.approx(
        (gamma, alpha, beta), rel=1e-3, abs=1e-5
    )
    assert found.fit == pytest.approx(1.0)
    assert found.knee == pytest.approx(((1 - alpha) / beta) ** 0.5, rel=1e-2)


def test_at_the_knee_is_the_peak() -> None:
    found = fit([(each, throughput(each, 10, 0.1, 0.01)) for each in USERS])
    assert found is not None
    assert found.knee is not None
    assert found.peak is not None
    for users in (found.knee * 0.9, found.knee * 1.1):
        assert throughput(users, found.gamma, found.alpha, found.beta) < found.peak


def test_a_server_that_only_grows_has_no_knee() -> None:
    found = fit([(each, 10.0 * each) for each in USERS])
    assert found is not None
    assert found.knee is None
    assert found.alpha == pytest.approx(0, abs=1e-9)


@given(st.lists(st.floats(0.01, 1000), min_size=6, max_size=6))
def test_no_number_is_negative_whatever_was_measured(rates: list[float]) -> None:
    found = fit(list(zip(USERS, rates, strict=True)))
    if found is not None:
        assert min(found.gamma, found.alpha, found.beta) >= 0


@pytest.mark.parametrize("points", [[], [(1, 1.0), (2, 2.0), (4, 3.0)], [(1, 0.0)] * 6])
def test_too_few_points_say_nothing(points: list[tuple[int, float]]) -> None:
    assert fit(points) is None
