"""What a capacity test says where no number would be true: the reason instead, never the number."""

from pathlib import Path
from typing import Any

import pytest

from fakes.queue_transport import QueueTransport
from harness.capacity_trials import queue_fleet, settings, trial
from harness.stages import EVEN, SimulatedFleet
from outrigger_loadtests.capacity.trial import TRIES, WorkerLost
from outrigger_loadtests.report.capacity_json import CapacityVerdict, StrategyPart


def measured(tmp_path: Path, fleet: Any, judge: Any = None, **given: Any) -> StrategyPart:
    usual = {"start": 8.0, "stage": 5.0, "warm_up": 0.0}
    return trial(settings(tmp_path, **{**usual, **given}), fleet, judge).measure("enqueue")


def test_a_generator_that_cannot_keep_up_makes_no_number(tmp_path: Path) -> None:
    fleet = queue_fleet(20.0, cpu=0.95)
    found = measured(tmp_path, fleet)
    assert (found.verdict, found.capacity, found.low) == (CapacityVerdict.INCONCLUSIVE, None, None)
    assert "could not keep up with 8/s" in found.reason
    assert "95% of a core" in found.reason
    assert len(found.stages) == len(fleet.orders) == TRIES
    assert not any(each.passed for each in found.stages)


def test_each_try_is_of_other_conversations(tmp_path: Path) -> None:
    fleet = queue_fleet(20.0, cpu=0.95)
    measured(tmp_path, fleet)
    assert len({each.first_number for each in fleet.orders}) == TRIES
    assert {each.rate for each in fleet.orders} == {8.0}


@pytest.mark.parametrize("bad_tries", [1, 2])
def test_a_generator_that_keeps_up_the_next_time_is_believed(
    bad_tries: int, tmp_path: Path
) -> None:
    fleet = queue_fleet(20.0)
    calls: list[int] = []
    hold = fleet.hold

    def at_first_busy(order: Any) -> Any:
        calls.append(order.number)
        fleet._cpu = 0.95 if len(calls) <= bad_tries else 0.3
        return hold(order)

    fleet.hold = at_first_busy
    found = measured(tmp_path, fleet, most=8.0)
    assert (found.verdict, found.capacity) == (CapacityVerdict.PASS, 8.0)
    assert len(calls) == bad_tries + 1


def test_a_broken_promise_ends_the_search_as_a_failure(tmp_path: Path) -> None:
    judged: list[int] = []

    def judge(_: Any) -> tuple[int, int]:
        judged.append(1)
        return 10, 2 if len(judged) == 2 else 0

    found = measured(tmp_path, queue_fleet(200.0), judge)
    assert (found.verdict, found.capacity) == (CapacityVerdict.FAIL, None)
    assert found.reason == "2 broken promises in stage 2; it held 8/s"
    assert found.stages[-1].reasons == ("the checker found 2 broken promises",)
    assert len(found.stages) == 2


def test_one_that_is_stopped_makes_no_number_and_says_what_held(tmp_path: Path) -> None:
    fleet = queue_fleet(200.0)
    hold = fleet.hold

    def until_the_third(order: Any) -> Any:
        fleet.stopped = len(fleet.orders) == 2
        return hold(order)

    fleet.hold = until_the_third
    found = measured(tmp_path, fleet)
    assert (found.verdict, found.capacity) == (CapacityVerdict.INCONCLUSIVE, None)
    assert found.reason == "it was stopped early; it held 18/s"


def test_a_lost_worker_ends_everything_but_what_is_known(tmp_path: Path) -> None:
    fleet = queue_fleet(200.0)
    hold = fleet.hold

    def once(order: Any) -> Any:
        if fleet.orders:
            raise WorkerLost
        return hold(order)

    fleet.hold = once
    found = measured(tmp_path, fleet)
    assert (found.verdict, found.capacity) == (CapacityVerdict.INCONCLUSIVE, None)
    assert found.reason == "a worker was lost or did not answer; it held 8/s"
    assert fleet.stopped


def test_a_server_that_is_gone_ends_the_search(tmp_path: Path) -> None:
    fleet = SimulatedFleet(lambda clock: QueueTransport(clock, 200.0, dies=0))
    found = measured(tmp_path, fleet)
    assert (found.verdict, found.capacity) == (CapacityVerdict.INCONCLUSIVE, None)
    assert found.reason == "every request failed in stage 1: is the server still there?"


def test_calibration_asks_for_a_thousand_a_second_and_nothing_of_the_server(tmp_path: Path) -> None:
    fleet = queue_fleet(1.0)
    found = trial(settings(tmp_path), fleet).calibrate()
    assert found.generator.kept_up
    assert (found.rate, found.arrivals) == (1000.0, 2000)
    assert [each.idle for each in fleet.orders] == [True]


def test_calibration_is_tried_three_times(tmp_path: Path) -> None:
    fleet = queue_fleet(1.0, cpu=0.95)
    found = trial(settings(tmp_path), fleet).calibrate()
    assert not found.generator.kept_up
    assert len(fleet.orders) == TRIES


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"slo_p95": ("first_event=150ms",)}, "first_event p95"),
        ({"slo_p95": ("total=150ms",)}, "total p95"),
        ({"slo_p95": ("accept=50ms",), "most": 30.0}, ""),
    ],
)
def test_each_objective_is_looked_at(given: dict[str, Any], wrong: str, tmp_path: Path) -> None:
    found = measured(tmp_path, queue_fleet(20.0), **{"start": 25.0, **given})
    reasons = " ".join(found.stages[0].reasons)
    assert (wrong in reasons) if wrong else ("p95" not in reasons)


def paced(tmp_path: Path, rate: float, *server_rates: float) -> tuple[StrategyPart, list[float]]:
    """Measure servers of these rates, one a stage, the last for the rest; and what was asked."""
    left = list(server_rates)
    fleet = SimulatedFleet(
        lambda clock: QueueTransport(clock, left.pop(0) if len(left) > 1 else left[0])
    )
    found = measured(
        tmp_path, fleet, behaviour=EVEN, start=rate, most=rate, stage=60.0, slo_p95=("total=9s",)
    )
    return found, [round(each.rate, 1) for each in fleet.orders]


def test_what_may_have_grown_by_chance_is_tried_once_more(tmp_path: Path) -> None:
    found, asked = paced(tmp_path, 20.7, 20.0)
    assert asked[:3] == [20.7, 20.7, 13.8]
    assert len(found.repeats[0].stages) == len(found.stages) == len(asked)
    assert found.capacity is not None
    assert found.capacity < 20.7


def test_what_grew_by_chance_may_hold_the_second_time(tmp_path: Path) -> None:
    found, asked = paced(tmp_path, 20.7, 20.0, 30.0)
    assert [each.passed for each in found.stages] == [False, True]
    assert (asked, found.capacity) == ([20.7, 20.7], 20.7)


def test_what_clearly_grew_is_not_tried_again(tmp_path: Path) -> None:
    _, asked = paced(tmp_path, 30.0, 20.0)
    assert asked[:2] == [30.0, 20.0]


def test_samples_stand_where_the_stages_stand(tmp_path: Path) -> None:
    this = trial(settings(tmp_path, start=8.0, most=8.0, stage=5.0, warm_up=0.0), queue_fleet(20.0))
    this.measure("enqueue")
    assert [round(each.at) for each in this.samples][:5] == [1, 2, 3, 4, 5]
    assert sum(each.offered for each in this.samples) == pytest.approx(40, abs=1)
