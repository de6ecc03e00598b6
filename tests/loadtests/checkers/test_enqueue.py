import pytest

from harness.histories import ASKED, examinations, rules, thread


@pytest.mark.parametrize("name", ["E1", "E2", "E3", "E4", "E5", "E6"])
def test_an_empty_thread_gives_nothing_to_examine(name):
    examined = examinations(thread())[name]
    assert (examined.examined, examined.findings) == (0, [])


def queue():
    """Three messages sent while the first one is at work."""
    return thread().message(1, at=10).message(2, at=11).message(3, at=12)


def test_a_queue_that_is_worked_off_in_order_breaks_nothing():
    assert not rules(queue().wrote(1).wrote(2).wrote(3))


def test_a_message_that_was_to_wait_is_not_refused():
    assert "E1.refused" in rules(thread().turn(1).refused(2, "enqueue", 11))


def test_a_message_that_was_to_wait_is_not_refused_for_another_reason_either():
    assert "E1.refused" in rules(thread().turn(1).refused(2, "enqueue", 11, code=422))


def test_a_message_that_was_to_wait_may_find_no_room():
    assert not rules(thread().turn(1).refused(2, "enqueue", 11, code=429))


def test_a_message_that_waited_succeeds():
    assert "E1.no_success" in rules(queue().wrote(1).wrote(2).ended(3, "error"))


def test_a_message_that_waited_may_be_cancelled():
    story = queue().wrote(1).wrote(2).ended(3, "interrupted")
    assert not rules(story.cancel(3, 13))


def test_who_is_created_first_runs_first():
    story = thread().message(1, at=(10, 13), created=11).message(2, at=(10, 13), created=12)
    assert "E2.order" in rules(story.wrote(2).wrote(1))
    story = thread().message(1, at=(10, 13), created=11).message(2, at=(10, 13), created=12)
    assert not rules(story.wrote(1).wrote(2))


def test_who_is_created_at_the_same_moment_may_run_in_any_order():
    story = thread().message(1, at=(10, 13), created=11).message(2, at=(10, 13), created=11)
    assert "E2.order" not in rules(story.wrote(2).wrote(1))


def test_a_message_for_later_may_run_later():
    story = thread().message(1, at=10, after_seconds=5).message(2, at=11)
    assert not rules(story.wrote(2).wrote(1))


def test_a_run_starts_where_the_one_before_ended():
    story = thread().turn(1).message(2).wrote(2, after="c3")
    assert {"E3.not_from_the_end", "E4.missed_marks"} <= rules(story)
    assert not rules(thread().turn(1).message(2).wrote(2, after="c4"))


def test_a_run_told_to_start_elsewhere_may():
    story = thread().turn(1).message(2, at_checkpoint="c2").wrote(2, after="c2")
    assert "E3.not_from_the_end" not in rules(story)


def test_a_run_does_not_begin_before_a_mark_that_comes_late():
    story = thread().message(1).wrote(1, "input", "first", "middle").message(2)
    assert "E4.missed_marks" in rules(story.wrote(2, "input", "1:last", "first", "middle"))


def test_a_run_begins_after_the_answers_to_those_before():
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED).answer(2, to=1, at=5)
    assert not rules(story.wrote(2, "1:answer:2", "1:last").message(3).wrote(3))


def test_a_message_that_succeeded_is_not_lost():
    assert "E5.lost" in rules(thread().message(1).wrote(1, "input", "first"))
    assert not rules(thread().message(1).wrote(1))


def test_a_message_does_not_count_twice():
    story = thread().message(1).wrote(1, "input", "input", "first", "middle", "last")
    assert "E5.twice" in rules(story)


def test_a_run_that_nothing_holds_back_starts_soon():
    late = thread().message(1, at=10).wrote(1, at=[16, 17, 18, 19])
    assert "E6.late_start" in rules(late)
    assert not rules(thread().message(1, at=10).wrote(1, at=[14, 15, 16, 17]))


def test_a_run_may_wait_as_long_as_the_one_before_it_works():
    story = thread().message(1, at=10).message(2, at=11)
    assert not rules(story.wrote(1, at=[10, 20, 30, 40]).wrote(2, at=[41, 42, 43, 44]))
    story = thread().message(1, at=10).message(2, at=11)
    story.wrote(1, at=[10, 20, 30, 40]).wrote(2, at=[46, 47, 48, 49])
    assert "E6.late_start" in rules(story)


def behind_a_cut(*at: float):
    """Message 2 came at 11 and cut message 1, which would have worked for 3 seconds."""
    story = thread().message(1, at=10, seconds=3.0).wrote(1, "input", at=[10.1])
    story.ended(1, "interrupted").message(2, "interrupt", at=11)
    return story.wrote(2, at=at)


def test_a_run_may_wait_until_the_one_before_it_has_stopped():
    assert not rules(behind_a_cut(22, 23, 24, 25))
    assert "E6.late_start" in rules(behind_a_cut(22.6, 23, 24, 25))


def test_a_run_that_would_cut_waits_for_nobody_when_nothing_is_in_flight():
    story = thread().message(1, "interrupt", at=10).wrote(1, at=[16, 17, 18, 19])
    assert "E6.late_start" in rules(story)


def test_a_run_for_later_starts_later():
    story = thread().message(1, at=10, after_seconds=20).wrote(1, at=[31, 32, 33, 34])
    assert not rules(story)


def test_a_graph_that_blocks_may_hold_anything_back():
    story = thread(probe="probe_blocking").message(1, at=10).wrote(1, at=[30, 31, 32, 33])
    assert not rules(story)
