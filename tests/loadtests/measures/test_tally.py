"""What conversations come to: which runs count, where their time went, what was for nothing."""

from typing import Any

import pytest

from outrigger_loadtests.history.operations import (
    Cancelled,
    Created,
    Ending,
    Frame,
    Opened,
    Operation,
    Outcome,
    Strategy,
    Streamed,
)
from outrigger_loadtests.measures.tally import Tally, Window

SECOND = 1_000_000_000
MARKS = ("input", "first", "middle", "last")


def at(seconds: float) -> int:
    return round(seconds * SECOND)


def run(
    token: str = "t-1",
    *,
    wanted: float = 10.0,
    sent: float | None = None,
    answered: float | None = None,
    first: float | None = 11.0,
    ended: float = 12.0,
    steps: int = 4,
    **given: Any,
) -> list[Operation]:
    """A run as a client sees it: wanted, sent, answered, heard from, ended; in seconds."""
    sent = wanted if sent is None else sent
    answered = sent + 0.1 if answered is None else answered
    told: dict[str, Any] = {"thread": "t", "intended": at(wanted), "invoked": at(sent)}
    created = {"strategy": Strategy.ENQUEUE, "code": 200, "run_id": token, **given}
    operations: list[Operation] = [Created(**told, token=token, completed=at(answered), **created)]
    if created["code"] == 200:
        marks = tuple(f"{token}:{each}" for each in MARKS[:steps])
        frames = [] if first is None else [Frame(at=at(first), name="values", marks=marks)]
        operations.append(Streamed(**told, token=token, completed=at(ended), frames=tuple(frames)))
    return operations


def tallied(*operations: Operation, now: float = 60.0, **objectives: float) -> Tally:
    tally = Tally(Window(at(10), at(20)), objectives)
    tally.take(operations, "enqueue", at(now))
    return tally


def took(tally: Tally, operation: str, strategy: str = "enqueue") -> tuple[float, float]:
    corrected, uncorrected = tally.latencies.of(operation, strategy)
    return corrected.most, uncorrected.most


def test_each_part_of_a_run_has_its_time_from_both_moments() -> None:
    tally = tallied(*run(wanted=10, sent=13, answered=13.5, first=14, ended=16))
    assert took(tally, "accept") == pytest.approx((3.5, 0.5), rel=1e-3)
    assert took(tally, "first_event") == pytest.approx((4, 1), rel=1e-3)
    assert took(tally, "total") == pytest.approx((6, 3), rel=1e-3)
    assert took(tally, "queue_wait") == pytest.approx((0.5, 0.5), rel=1e-3)


@pytest.mark.parametrize(("wanted", "counted"), [(9.9, 0), (10.0, 1), (19.9, 1), (20.0, 0)])
def test_a_run_counts_when_it_was_wanted_in_the_measured_time(wanted: float, counted: int) -> None:
    tally = tallied(*run(wanted=wanted, first=25, ended=26))
    assert tally.counts.requested == tally.counts.creates == counted
    assert tally.latencies.of("total", "enqueue")[0].count == counted


def test_who_was_wanted_and_ends_is_on_its_way_in_between() -> None:
    before = tallied(*run(wanted=8, first=9, ended=12)).counts
    through = tallied(*run(wanted=8, first=9, ended=22)).counts
    after = tallied(*run(wanted=18, first=21, ended=22)).counts
    assert (before.flying_begin, before.flying_end, before.ended) == (1, 0, 1)
    assert (through.flying_begin, through.flying_end, through.ended) == (1, 1, 0)
    assert (after.flying_begin, after.flying_end, after.ended) == (0, 1, 0)


def test_a_conflict_is_refused_and_takes_no_time() -> None:
    counts = tallied(*run(code=409, outcome=Outcome.FAIL)).counts
    assert (counts.creates, counts.refused, counts.errors, counts.requests) == (1, 1, 0, 1)


@pytest.mark.parametrize(("code", "outcome"), [(500, Outcome.INFO), (0, Outcome.INFO)])
def test_what_failed_has_taken_until_it_was_given_up(code: int, outcome: Outcome) -> None:
    tally = tallied(*run(code=code, outcome=outcome))
    assert tally.counts.errors == 1
    assert took(tally, "total")[0] == pytest.approx(50, rel=1e-3)


def test_a_stream_that_broke_is_an_error() -> None:
    created, streamed = run()
    broken = Streamed(
        **{each: getattr(streamed, each) for each in ("thread", "invoked", "completed")},
        token="t-1",
        ending=Ending.BROKEN,
    )
    assert tallied(created, broken).counts.errors == 1


def test_a_run_that_says_error_is_one() -> None:
    created, _ = run()
    said = Streamed(
        thread="t",
        invoked=at(10),
        completed=at(12),
        token="t-1",
        frames=(Frame(at=at(11), name="error"),),
    )
    assert tallied(created, said).counts.errors == 1


def cut_by(strategy: Strategy) -> list[Operation]:
    """One that shows its first two steps, and a newcomer a second later that cuts it."""
    victim = run("t-1", wanted=10, first=10.5, ended=11.5, steps=2)
    return [*victim, *run("t-2", wanted=11, first=12, ended=13, strategy=strategy)]


def test_a_victim_is_wasted_work_and_its_cut_is_timed() -> None:
    tally = tallied(*cut_by(Strategy.INTERRUPT))
    assert took(tally, "cut", "interrupt")[0] == pytest.approx(0.4, rel=1e-2)
    assert (tally.counts.whole, tally.counts.errors) == (1, 0)
    assert (tally.counts.wasted, tally.counts.worked) == (at(1), at(2))


def test_a_newcomer_that_waits_cuts_nothing() -> None:
    tally = tallied(*cut_by(Strategy.ENQUEUE))
    assert tally.counts.wasted == 0
    assert tally.latencies.of("cut", "enqueue")[0].count == 0


def test_who_stops_cuts_his_own_run() -> None:
    created, streamed = run(first=None, ended=12)
    stop = Cancelled(thread="t", run_id="t-1", invoked=at(11), intended=at(11), completed=at(11.2))
    tally = tallied(created, streamed, stop)
    assert took(tally, "cut")[0] == pytest.approx(0.8, rel=1e-2)
    assert tally.counts.requests == 2


@pytest.mark.parametrize(("seconds", "good"), [(1.5, 1), (0.5, 0)])
def test_good_runs_are_whole_and_within_every_objective(seconds: float, good: int) -> None:
    counts = tallied(*run(), first_event=seconds, total=10.0).counts
    assert (counts.whole, counts.good) == (1, good)


def test_a_thread_that_could_not_be_opened_is_an_error() -> None:
    opened = Opened(
        thread="t", intended=at(10), invoked=at(10), completed=at(10.5), outcome=Outcome.INFO
    )
    tally = tallied(opened)
    assert (tally.counts.requests, tally.counts.errors) == (1, 1)


def test_two_tallies_added_up_are_one_of_everything() -> None:
    one, other = tallied(*run()), tallied(*run(code=409, outcome=Outcome.FAIL))
    both = tallied(*run(), *run("t-2", code=409, outcome=Outcome.FAIL))
    one.counts.add(other.counts)
    assert one.counts == both.counts
