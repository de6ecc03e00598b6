import pytest

from harness.histories import Story, thread, token
from outrigger_loadtests.history.operations import Strategy
from outrigger_loadtests.models.thread import microseconds


def cutters(story: Story, number: int) -> list[str]:
    read = story.read()
    return [each.token for each in read.cutters(read.by_token[token(number)])]


def newcomer(story: Story, number: int):
    return story.run(number).create


def test_a_newcomer_met_who_was_in_flight_all_the_while():
    story = thread().message(1, at=10).seen(1, "running", 13).message(2, "interrupt", at=(11, 12))
    assert [run.token for run in story.read().met(newcomer(story, 2))] == [token(1)]


def test_a_newcomer_did_not_surely_meet_who_may_have_ended_before():
    story = thread().message(1, at=10).seen(1, "running", 11.5)
    story.message(2, "interrupt", at=(11, 12))
    assert story.read().met(newcomer(story, 2)) == []
    assert [run.token for run in story.read().may_have_met(newcomer(story, 2))] == [token(1)]


def test_a_newcomer_cannot_have_met_who_was_seen_to_have_ended():
    story = thread().turn(1).message(2, "interrupt")
    assert story.read().may_have_met(newcomer(story, 2)) == []


def test_a_run_meets_not_itself():
    story = thread().message(1, at=10).seen(1, "running", 13)
    assert story.read().may_have_met(newcomer(story, 1)) == []


@pytest.mark.parametrize("strategy", ["interrupt", "rollback"])
def test_newcomers_that_interrupt_or_roll_back_are_cutters(strategy):
    assert cutters(thread().message(1).message(2, strategy, at=11), 1) == [token(2)]


@pytest.mark.parametrize("strategy", ["enqueue", "reject"])
def test_newcomers_of_other_strategies_are_none(strategy):
    assert cutters(thread().message(1).message(2, strategy, at=11), 1) == []


def test_a_newcomer_whose_fate_nobody_knows_may_be_a_cutter():
    assert cutters(thread().message(1).lost(2, "interrupt", (11, None)), 1) == [token(2)]


def test_a_newcomer_that_was_refused_is_none():
    assert cutters(thread().message(1).refused(2, "interrupt", 11), 1) == []


def test_a_newcomer_that_was_created_before_is_none():
    story = thread().message(1, at=(10, 12), created=11.5)
    assert cutters(story.message(2, "interrupt", at=(10, 12), created=11), 1) == []


def test_of_runs_for_later_nobody_knows_which_came_first():
    story = thread().message(1, at=(10, 12), created=11.5, after_seconds=1.0)
    assert cutters(story.message(2, "interrupt", at=(10, 12), created=11), 1) == [token(2)]


def test_a_newcomer_after_the_end_is_none():
    assert cutters(thread().turn(1).message(2, "interrupt", at=16), 1) == []


def test_a_run_that_somebody_tried_to_cancel_may_be_interrupted():
    read = thread().message(1).cancel(1, 11).read()
    assert read.may_be_interrupted(read.runs[0])
    refused = thread().message(1).cancel(1, 11, code=404).read()
    assert refused.undisturbed(refused.runs[0])


def test_only_rollbacks_and_deletions_remove():
    cancelled = thread().message(1).cancel(1, 11).read()
    assert not cancelled.may_be_removed(cancelled.runs[0])
    for story in (
        thread().message(1).cancel(1, 11, "rollback"),
        thread().message(1).delete(1, 11),
        thread().message(1).message(2, "rollback", at=11),
    ):
        read = story.read()
        assert read.may_be_removed(read.runs[0])


def test_refusals_are_all_but_those_without_room_and_those_never_sent():
    story = thread()
    for number, code in enumerate((409, 422, 429, 0, 404), 1):
        story.refused(number, "reject", 10 + number, code=code)
    found = story.read().refusals_of(Strategy.REJECT)
    assert [each.token for each in found] == [token(1), token(2), token(5)]


@pytest.mark.parametrize("strategy", ["reject", "enqueue", "interrupt"])
def test_without_rollbacks_and_deletions_nothing_is_taken_away_again(strategy):
    assert not thread().message(1, strategy).cancel(1, 11).read().may_roll_back


def test_rollbacks_and_deletions_may_take_marks_away_again():
    assert thread().message(1).cancel(1, 11, "rollback").read().may_roll_back
    assert thread().message(1).delete(1, 11).read().may_roll_back
    assert thread().message(1).message(2, "rollback").read().may_roll_back


@pytest.mark.parametrize(
    ("probe", "prompt", "blocks"),
    [("probe_async", True, False), ("probe_blocking", False, True), ("probe_sync", False, False)],
)
def test_the_probe_says_how_promptly_a_run_stops(probe, prompt, blocks):
    read = thread(probe).read()
    assert (read.prompt, read.blocks) == (prompt, blocks)


def test_moments_are_microseconds():
    assert microseconds("1970-01-01T00:00:01.000002+00:00") == 1_000_002
    assert microseconds("1970-01-01T00:00:01Z") == 1_000_000
    assert microseconds("") == 0
