"""What comes of a stage, in simulated time against servers of which everything is known."""

import msgspec
import pytest

from fakes.queue_transport import QueueTransport
from harness.stages import EVEN, SimulatedFleet, held, order
from outrigger_loadtests.behaviour.file import shipped
from outrigger_loadtests.capacity.results import merged
from outrigger_loadtests.measures.histograms import Histogram


def test_as_many_conversations_begin_as_the_rate_says() -> None:
    outcome = held(order(rate=20, measured=10))[0]
    assert (outcome.arrivals, outcome.completed, outcome.dropped) == (200, 200, 0)
    assert outcome.counts["requested"] == outcome.counts["ended"] == 200


def test_only_the_measured_time_counts() -> None:
    outcome = held(order(behaviour=EVEN, rate=20, warm_up=5, measured=10))[0]
    assert outcome.arrivals == 300
    assert outcome.counts["requested"] == pytest.approx(200, abs=3)


def test_arrivals_do_not_wait_for_a_server_that_is_slow() -> None:
    outcome = held(order(rate=50, measured=4), rate=10)[0]
    assert Histogram(outcome.send_lag).most == 0
    assert outcome.in_flight_most > 100


def test_a_freeze_of_two_seconds_shows_from_the_intended_moment_and_not_from_the_actual_one() -> (
    None
):
    """Four conversations are under way in the freeze; the hundred behind them wait for a place."""
    outcomes = held(order(rate=50, measured=10, cap=4), freeze=(4.0, 6.0))
    corrected, uncorrected = merged(outcomes).latencies.of("first_event", "enqueue")
    assert corrected.percentile(95) > 1.0
    assert uncorrected.percentile(95) < 0.01
    _, opening = merged(outcomes).latencies.of("open", "enqueue")
    assert max(opening.most, uncorrected.most) == pytest.approx(2.0, rel=0.01)


def test_without_a_freeze_both_latencies_are_short() -> None:
    outcomes = held(order(rate=50, measured=10, cap=4))
    corrected, uncorrected = merged(outcomes).latencies.of("first_event", "enqueue")
    assert uncorrected.most <= corrected.most < 0.01


def test_who_waits_too_long_for_a_place_is_dropped_and_counted() -> None:
    outcome = held(order(rate=50, measured=10, cap=4, cap_patience=0.5), freeze=(4.0, 6.0))[0]
    assert 60 < outcome.dropped < 90
    assert outcome.arrivals == 500
    assert outcome.completed == 500 - outcome.dropped


def test_what_never_ends_is_given_up_and_counts_as_failed() -> None:
    outcome = held(order(rate=10, measured=5, drain=5), rate=1)[0]
    assert len(outcome.unfinished) > 30
    assert outcome.counts["errors"] == len(outcome.unfinished)


@pytest.mark.parametrize("status", [500, 422])
def test_a_refused_run_is_an_error(status: int) -> None:
    outcome = held(order(rate=10, measured=5), refuses=status)[0]
    assert outcome.counts["errors"] == 50


def test_a_conflict_is_a_refusal_and_no_error() -> None:
    outcome = held(order(rate=10, measured=5), refuses=409)[0]
    assert (outcome.counts["errors"], outcome.counts["refused"]) == (0, 50)


def test_a_closed_stage_asks_again_as_soon_as_it_is_answered() -> None:
    outcomes = held(order(rate=0, users=4, measured=10), rate=20)
    assert merged(outcomes).completed == pytest.approx(200, abs=5)
    assert merged(outcomes).in_flight_most <= 4


def test_an_idle_stage_asks_for_nothing() -> None:
    fleet = SimulatedFleet(lambda clock: asked.append(QueueTransport(clock)) or asked[-1])
    asked: list[QueueTransport] = []
    fleet.hold(order(rate=1000, measured=2, idle=True))
    assert asked[0].requests == 0


@pytest.mark.parametrize("profile", ["default", "storm", "drip"])
def test_a_stage_has_its_full_load_from_its_first_second_on(profile: str) -> None:
    """Runs asked for in its first and in its last seconds are as many, however long people talk."""
    people = shipped(profile)
    early, late = (
        merged(held(order(behaviour=people, rate=10, warm_up=warm_up, measured=20)))
        for warm_up in (0, 40)
    )
    assert early.counts.requested == pytest.approx(late.counts.requested, rel=0.15)


@pytest.mark.parametrize("profile", ["default", "storm", "drip", "hot_thread"])
def test_a_stage_ends_when_it_should_however_long_people_think(profile: str) -> None:
    outcome = held(order(behaviour=shipped(profile), rate=5, warm_up=1, measured=3))[0]
    assert outcome.drained < 1
    assert outcome.completed == outcome.arrivals


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("profile", ["default", "storm"])
def test_several_workers_come_to_what_one_comes_to(workers: int, profile: str) -> None:
    stage = order(behaviour=shipped(profile), rate=12, warm_up=2, measured=10)
    one, many = (held(stage, workers=count) for count in (1, workers))
    assert len(many) == workers
    assert all(each.arrivals for each in many)
    alone, together = merged(one), merged(many)
    assert together.counts == alone.counts
    assert together.latencies.encoded() == alone.latencies.encoded()


def test_the_same_order_makes_the_same_stage() -> None:
    stage = order(behaviour=shipped("default"))
    assert held(stage, rate=15) == held(stage, rate=15)
    other = msgspec.structs.replace(stage, seed=8)
    assert held(stage, rate=15) != held(other, rate=15)


def test_a_stage_says_how_far_it_is_every_second() -> None:
    fleet = SimulatedFleet(QueueTransport)
    fleet.hold(order(behaviour=EVEN, rate=10, measured=5))
    assert [round(each.at) for each in fleet.told][:5] == [1, 2, 3, 4, 5]
    assert [each.offered for each in fleet.told][:4] == pytest.approx([10, 20, 30, 40], abs=2)
