import pytest

from harness.histories import ASKED, examinations, findings, rules, thread
from outrigger_loadtests.history.operations import Faulted
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.verdict import Verdict


@pytest.mark.parametrize("name", ["G1", "G9", "G12"])
def test_an_empty_thread_gives_nothing_to_examine(name):
    examined = examinations(thread())[name]
    assert (examined.examined, examined.findings) == (0, [])


def test_two_turns_one_after_the_other_break_nothing():
    assert not rules(thread().turn(1).turn(2))


def test_a_run_that_is_in_flight_at_rest_never_ended():
    story = thread().message(1).wrote(1, "input")
    assert "G1.never_ended" in rules(story.ended(1, "running").at_rest(status="busy"))
    assert not rules(
        story.ended(1, "success").wrote(1, "first", "middle", "last").at_rest(status="idle")
    )


def test_a_run_that_is_gone_though_nobody_removed_it_is_lost():
    assert "G1.lost" in rules(thread().message(1).ended(1, "gone"))
    assert not rules(thread().message(1).delete(1, 12).ended(1, "gone"))


def test_a_run_may_be_gone_by_a_rollback_that_nobody_knows_the_outcome_of():
    story = thread().message(1).ended(1, "gone")
    assert not rules(story.lost(2, "rollback", (11, None)))


def test_an_interrupted_run_that_nobody_interrupted_is_cut_by_nobody():
    story = thread().message(1).wrote(1, "input").ended(1, "interrupted")
    assert "G1.cut_by_nobody" in rules(story)
    assert not rules(story.cancel(1, 10.5))


def test_a_newcomer_that_came_after_the_end_was_seen_cut_nobody():
    story = thread().message(1, at=1).wrote(1, "input").ended(1, "interrupted")
    story.seen(1, "interrupted", 3)
    assert "G1.cut_by_nobody" in rules(story.turn(2, "interrupt"))


def test_a_run_that_ends_in_error_failed():
    story = thread().message(1).wrote(1, "input")
    assert "G1.failed" in rules(story.ended(1, "error"))


def test_a_run_in_the_list_that_nobody_sent_is_unexplained():
    assert "G1.unexplained" in rules(thread().turn(1).listed(2, "success"))
    assert not rules(thread().turn(1).message(2).wrote(2).listed(2, "success"))


def test_a_run_in_the_list_may_be_one_whose_create_nobody_knows_about():
    story = thread().turn(1).listed(2, "success", token="").lost(3, "enqueue", (20, None))
    assert "G1.unexplained" not in rules(story)


def test_a_run_that_was_deleted_is_not_there():
    assert "G1.not_deleted" in rules(thread().turn(1).delete(1, 16))
    assert not rules(thread().message(1).delete(1, 16).ended(1, "gone"))


def test_a_run_whose_deletion_was_refused_is_still_there():
    assert not rules(thread().turn(1).delete(1, 16, outcome="fail", code=409))


def test_runs_in_flight_at_the_deadline_are_stuck():
    story = thread().message(1).ended(1, "pending").at_rest(quiet=False, status="busy")
    assert "G2.never_quiet" in rules(story)
    assert not rules(story.wrote(1).ended(1, "success").at_rest(quiet=True, status="idle"))


def test_a_thread_with_nothing_in_flight_is_not_busy():
    assert "G2.busy_at_rest" in rules(thread().turn(1).at_rest(status="busy"))
    assert not rules(thread().turn(1).at_rest(status="idle"))


def test_a_thread_with_nothing_left_to_do_is_idle():
    assert "G2.wrong_status" in rules(thread().turn(1).at_rest(status="interrupted"))
    assert "G2.wrong_status" in rules(thread().turn(1).at_rest(status="error"))
    assert not rules(thread().turn(1))


def test_a_thread_with_something_left_to_do_is_interrupted():
    story = thread().message(1).wrote(1, "input", then=["first"]).cancel(1, 11)
    story.ended(1, "interrupted")
    assert "G2.wrong_status" in rules(story)
    assert not rules(story.at_rest(status="interrupted"))


@pytest.mark.parametrize("status", ["error", "timeout"])
def test_a_thread_whose_last_run_failed_shows_the_error(status):
    story = thread().message(1).wrote(1, "input", then=["first"]).ended(1, status)
    assert "G2.wrong_status" in rules(story.at_rest(status="interrupted"))
    assert "G2.wrong_status" not in rules(story.at_rest(status="error"))


def test_what_a_thread_should_show_is_unknown_without_its_history():
    story = thread().turn(1).at_rest(status="interrupted", without={"history"})
    assert "G2.wrong_status" not in rules(story)


def test_a_thread_of_which_nobody_knows_that_it_is_quiet_is_unknown():
    found = findings(thread().turn(1).at_rest(quiet=False))
    assert [(each.rule, each.verdict) for each in found] == [("G2.unsettled", Verdict.UNKNOWN)]
    assert not rules(thread().turn(1).at_rest(quiet=True))


@pytest.mark.parametrize("place", ["runs", "history", "state", "thread", "settled"])
def test_what_cannot_be_read_at_rest_is_unknown_not_fine(place):
    found = findings(thread().turn(1).at_rest(without={place}))
    assert [(each.rule, each.verdict) for each in found] == [("G2.unread", Verdict.UNKNOWN)]
    assert "G2.unread" in rules(thread().at_rest(without={place}))


def test_a_run_that_runs_does_not_wait_again():
    story = thread().turn(1).seen(1, "running", 11)
    assert not rules(story)
    assert "G9.went_back" in rules(story.seen(1, "pending", 12))


def test_a_run_may_wait_again_when_something_was_done_to_the_server():
    story = thread().turn(1).seen(1, "running", 11).seen(1, "pending", 12)
    assert not rules(story.fault("kill worker", 11.5))


def test_what_was_done_to_the_server_counts_on_every_thread():
    story = thread().turn(1).seen(1, "running", 11).seen(1, "pending", 12)
    fault = Faulted(thread="", invoked=1, completed=2, name="kill worker")
    assert read_thread(story.operations()).faults == []
    assert read_thread(story.operations(), [fault]).faults == [fault]


def test_a_run_that_has_ended_does_not_run_again():
    assert "G9.went_back" in rules(thread().turn(1).seen(1, "running", 16))


def test_reads_that_overlap_have_no_order():
    assert not rules(thread().turn(1).seen(1, "running", (10, 13)).seen(1, "pending", (10.5, 12)))


def test_an_end_does_not_change():
    story = thread().message(1).wrote(1, "input").cancel(1, 11).ended(1, "interrupted")
    assert not rules(story.seen(1, "interrupted", 12))
    assert "G9.changed" in rules(story.seen(1, "error", 13))


def test_a_success_does_not_vanish():
    story = thread().turn(1).cancel(1, 14, "rollback").ended(1, "gone")
    assert "G9.vanished" in rules(story)
    assert "G9.vanished" not in rules(story.delete(1, 17))


def test_an_interrupted_run_may_vanish_when_it_was_rolled_back_after_that():
    story = thread().message(1).seen(1, "interrupted", 11).ended(1, "gone")
    assert not rules(story.lost(2, "rollback", (10.5, None)))


def test_a_run_is_not_older_than_one_accepted_before_it_was_sent():
    assert "G12.created_at" in rules(thread().message(1, at=10).message(2, at=20, created=9))
    assert not rules(thread().message(1, at=10, created=11).wrote(1).turn(2))


def test_runs_sent_at_the_same_moment_may_be_created_in_any_order():
    story = thread().message(1, at=(10, 13), created=12).message(2, at=(11, 13), created=11.5)
    assert not rules(story.wrote(2).wrote(1))


def test_runs_write_in_the_order_they_were_sent():
    story = thread().message(1, at=10).message(2, at=11)
    assert "G12.segments" in rules(story.wrote(2).wrote(1))
    assert not rules(thread().message(1, at=10).message(2, at=11).wrote(1).wrote(2))


def test_a_run_for_later_has_no_place_in_the_order():
    story = thread().message(1, at=10, after_seconds=5).message(2, at=11)
    assert not rules(story.wrote(2).wrote(1))


def test_a_question_that_waits_breaks_nothing():
    story = thread().message(1, asks=True).wrote(1, *ASKED, then=["ask"])
    story.at_rest(status="interrupted")
    assert not rules(story)
