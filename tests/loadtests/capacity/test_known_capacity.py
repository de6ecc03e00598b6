"""The search against a server whose capacity is known, whatever the machine is busy with."""

from pathlib import Path

import pytest

from harness.capacity_trials import queue_fleet, settings, trial
from outrigger_loadtests.behaviour.profile import Behaviour, Conversation, Mix, Think
from outrigger_loadtests.report.capacity_json import CapacityVerdict, StageKind

TALK = Behaviour(
    name="talk",
    mix=Mix(single=1.0),
    conversation=Conversation(runs=(3, 3), seconds=(0.0, 0.0), think=Think(median=2.0, sigma=0.5)),
)


@pytest.mark.parametrize(("rate", "seed"), [(13.0, 1), (27.0, 2), (40.0, 3)])
def test_capacity_is_within_a_tenth_of_the_truth(rate: float, seed: int, tmp_path: Path) -> None:
    given = settings(tmp_path, seed=seed, start=20.0)
    found = trial(given, queue_fleet(rate)).measure("enqueue")
    assert found.verdict is CapacityVerdict.PASS
    assert found.capacity == pytest.approx(rate, rel=0.1)


def test_conversations_of_several_runs_are_counted_whole(tmp_path: Path) -> None:
    given = settings(tmp_path, behaviour=TALK, start=6.0)
    found = trial(given, queue_fleet(30.0)).measure("enqueue")
    assert found.capacity == pytest.approx(10.0, rel=0.1)
    assert found.runs == pytest.approx(30.0, rel=0.1)


def test_two_workers_find_what_one_finds(tmp_path: Path) -> None:
    given = settings(tmp_path, start=20.0)
    alone, together = (
        trial(given, queue_fleet(40.0, count)).measure("enqueue") for count in (1, 2)
    )
    assert together.capacity == alone.capacity
    assert [each.reasons for each in together.stages] == [each.reasons for each in alone.stages]
    for one, other in zip(alone.stages, together.stages, strict=True):
        assert [each.histogram for each in one.operations] == [
            each.histogram for each in other.operations
        ]


def test_three_searches_give_a_range_around_their_middle(tmp_path: Path) -> None:
    given = settings(tmp_path, repeats=3, start=8.0, stage=15.0)
    found = trial(given, queue_fleet(15.0)).measure("enqueue")
    assert len(found.repeats) == 3
    assert found.low is not None
    assert found.high is not None
    assert found.capacity is not None
    assert found.low <= found.capacity <= found.high
    assert sorted(each.capacity for each in found.repeats)[1] == found.capacity
    assert len({each.seed for each in found.repeats}) == 3


def test_the_search_ends_within_a_twentieth(tmp_path: Path) -> None:
    given = settings(tmp_path, start=8.0, stage=15.0)
    found = trial(given, queue_fleet(15.0)).measure("enqueue")
    failed = [each.offered for each in found.stages if not each.passed]
    assert found.capacity is not None
    assert min(failed) <= found.capacity * 1.05
    assert [each.kind for each in found.stages][:3] == [StageKind.GEOMETRIC] * 3
    assert found.stages[-1].kind is StageKind.BISECTION


def test_too_much_to_begin_with_is_halved_until_it_holds(tmp_path: Path) -> None:
    found = trial(settings(tmp_path, start=50.0), queue_fleet(20.0)).measure("enqueue")
    assert found.capacity == pytest.approx(20.0, rel=0.1)


def test_a_server_that_holds_nothing_misses_its_objectives(tmp_path: Path) -> None:
    given = settings(tmp_path, slo_p95=("first_event=1ms",), start=0.02, stage=100.0)
    found = trial(given, queue_fleet(40.0)).measure("enqueue")
    assert (found.verdict, found.capacity) == (CapacityVerdict.SLO_MISS, None)


def test_less_than_was_asked_for_is_a_miss_with_its_number(tmp_path: Path) -> None:
    given = settings(tmp_path, start=14.0, target=60.0)
    found = trial(given, queue_fleet(20.0)).measure("enqueue")
    assert found.verdict is CapacityVerdict.SLO_MISS
    assert found.capacity == pytest.approx(20.0, rel=0.1)


def test_what_was_not_tried_is_said(tmp_path: Path) -> None:
    given = settings(tmp_path, start=20.0, most=30.0, stage=10.0)
    found = trial(given, queue_fleet(40.0)).measure("enqueue")
    assert (found.verdict, found.capacity) == (CapacityVerdict.PASS, 30.0)
    assert "may hold more" in found.reason


def test_closed_stages_are_fitted_to_the_queue_behind_them(tmp_path: Path) -> None:
    """One server of one place: more users bring no more than its rate."""
    given = settings(tmp_path, start=40.0, most=40.0, closed_users="1,2,4,8,16", stage=10.0)
    found = trial(given, queue_fleet(100.0)).measure("enqueue")
    closed = [each for each in found.stages if each.kind is StageKind.CLOSED]
    assert [each.users for each in closed] == [1, 2, 4, 8, 16]
    assert found.usl is not None
    rates = [each.achieved for each in closed]
    assert rates[0] == pytest.approx(83, rel=0.05)
    assert rates[-1] == pytest.approx(100, rel=0.05)
    assert found.usl.gamma == pytest.approx(83, rel=0.1)
    assert found.usl.alpha > 0.5
