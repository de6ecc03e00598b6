"""Arrivals are as many as the rate says, come as the profile says, and always the same."""

import statistics
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stages import EVEN, ONE_RUN
from outrigger_loadtests.behaviour.profile import Arrivals, Behaviour, Process, Recorded
from outrigger_loadtests.generator.arrivals import arrivals

SECOND = 1_000_000_000


def with_shape(shape: float) -> Behaviour:
    told = Arrivals(process=Process.GAMMA, shape=shape)
    return msgspec.structs.replace(ONE_RUN, arrivals=told)


def spread_of(behaviour: Behaviour) -> float:
    """How uneven gaps are: their deviation in means; 1 for Poisson."""
    gaps = [later - sooner for sooner, later in pairwise(arrivals(behaviour, "7", 100, 50))]
    return statistics.pstdev(gaps) / statistics.mean(gaps)


@given(st.floats(0.1, 500), st.floats(0.5, 20), st.integers())
def test_as_many_come_as_the_rate_says(rate: float, seconds: float, seed: int) -> None:
    moments = arrivals(ONE_RUN, str(seed), rate, seconds)
    assert len(moments) == max(1, round(rate * seconds))
    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert moments[-1] <= seconds * SECOND


def test_the_same_seed_makes_the_same_moments() -> None:
    assert arrivals(ONE_RUN, "7", 10, 10) == arrivals(ONE_RUN, "7", 10, 10)
    assert arrivals(ONE_RUN, "7", 10, 10) != arrivals(ONE_RUN, "8", 10, 10)


def test_poisson_is_as_uneven_as_chance() -> None:
    assert spread_of(ONE_RUN) == pytest.approx(1.0, abs=0.1)


def test_a_shape_makes_them_more_even_or_bursts() -> None:
    assert spread_of(EVEN) == pytest.approx(0.1, abs=0.02)
    assert spread_of(with_shape(0.25)) == pytest.approx(2.0, abs=0.3)


def test_a_recording_keeps_its_rhythm() -> None:
    recorded = tuple(
        Recorded(at=at, thread=thread)
        for at, thread in [(0.0, "a"), (0.5, "a"), (1.0, "b"), (4.0, "c")]
    )
    behaviour = msgspec.structs.replace(ONE_RUN, recording=recorded)
    gaps = [b - a for a, b in pairwise(arrivals(behaviour, "7", 2, 10))]
    assert gaps[1] == pytest.approx(3 * gaps[0], rel=0.01)
    assert gaps[2] == pytest.approx(gaps[0], rel=0.01)
