"""Options of a capacity test: what they say, and every wrong one by its name."""

from pathlib import Path
from typing import Any

import pytest

from outrigger_loadtests.capacity.settings import (
    CapacitySettings,
    Limits,
    capacity_settings,
    one_probe,
)
from outrigger_loadtests.errors import UsageError


def settings(folder: Path, **given: Any) -> CapacitySettings:
    return capacity_settings(check=one_probe(probe="async", output=folder, seed=1), **given)


def test_objectives_are_seconds_by_operation(tmp_path: Path) -> None:
    found = settings(tmp_path, slo_p95=("first_event=1.5s", "accept=200ms"))
    assert found.objectives == {"first_event": 1.5, "accept": 0.2}


def test_users_are_numbers_in_order_each_once(tmp_path: Path) -> None:
    assert settings(tmp_path, closed_users="8, 1,2,8").users == (1, 2, 8)
    assert settings(tmp_path, closed_users="").users == ()


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"slo_p95": ("speed=1s",)}, "--slo-p95"),
        ({"slo_p95": ("accept=1",)}, "--slo-p95"),
        ({"slo_p95": ("accept=0ms",)}, "--slo-p95"),
        ({"slo_p95": ()}, "--slo-p95"),
        ({"error_budget": 1.5}, "--error-budget"),
        ({"stage": 0.1}, "--stage"),
        ({"warm_up": -1.0}, "--warm-up"),
        ({"warm_up": 5.0, "profile": "assistant"}, "--warm-up"),
        ({"repeats": 0}, "--repeats"),
        ({"start": 0.0}, "--start-rate"),
        ({"start": 5.0, "most": 4.0}, "--start-rate"),
        ({"most": 1e9}, "--max-rate"),
        ({"target": 0.0}, "--target-rate"),
        ({"checked_share": 2.0}, "--checked-share"),
        ({"closed_users": "1,x"}, "--closed-users"),
        ({"closed_users": "0"}, "--closed-users"),
        ({"closed_users": "99999"}, "--closed-users"),
        ({"cap": 0}, "--in-flight-cap"),
        ({"limits": Limits(send_lag=0.0)}, "--max-send-lag"),
        ({"limits": Limits(cpu=2.0)}, "--max-cpu"),
        ({"profile": "nobody"}, "--profile"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, Any], option: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=option):
        settings(tmp_path, **given)


def test_capacity_is_of_one_graph(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--probe"):
        one_probe(probe="all", output=tmp_path)
