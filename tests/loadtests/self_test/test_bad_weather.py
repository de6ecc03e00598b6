"""Requests that get lost, and answers: unknown stays unknown, and nothing correct is flagged."""

import pytest

from harness.clean import assert_clean


@pytest.mark.parametrize("weather", [0.02, 0.1])
def test_lost_requests_and_answers_flag_nobody(weather: float) -> None:
    assert_clean(20_000, weather=weather)
