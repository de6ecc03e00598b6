import pytest

from harness.histories import ASKED, examinations, findings, rules, thread, token


@pytest.mark.parametrize("name", ["X1", "C1", "C2", "C3", "C4", "H1"])
def test_an_empty_thread_gives_nothing_to_examine(name):
    examined = examinations(thread())[name]
    assert (examined.examined, examined.findings) == (0, [])


def test_the_log_is_that_of_one_run_after_the_other():
    story = thread().message(1).message(2).wrote(1, "input").wrote(2).wrote(1, "first")
    assert "X1.not_sequential" in rules(story)
    assert not rules(thread().message(1).message(2).wrote(1).wrote(2))


def test_what_is_not_sequential_is_named():
    story = thread().message(1).wrote(1, "input", "middle")
    found = [each for each in findings(story) if each.rule == "X1.not_sequential"]
    assert found[0].message.endswith("gives x1-1-1:first as mark 1, not x1-1-1:middle")
    assert found[0].runs == ("run-1",)


@pytest.mark.parametrize("extra", [{"after_seconds": 1.0}, {"at_checkpoint": "c1"}])
def test_a_thread_with_a_run_for_later_or_from_elsewhere_has_no_sequence(extra):
    story = thread().turn(1).message(2, **extra).wrote(2, "first")
    assert examinations(story)["X1"].verdict is None


def test_a_message_of_which_nobody_knows_and_that_is_nowhere_changes_no_sequence():
    story = thread().lost(3, "enqueue", (5, None)).message(1).message(2)
    story.wrote(1, "input").wrote(2).wrote(1, "first")
    assert "X1.not_sequential" in rules(story)
    assert not rules(thread().turn(1).lost(2, "enqueue", (20, None)))


def test_an_answer_of_which_nobody_knows_may_have_written():
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED)
    story.lost(2, "enqueue", (5, None), answers=token(1)).wrote(2, "1:answer:2", "1:last")
    assert examinations(story)["X1"].verdict is None


def cancelled(action: str, status: str, *steps: str, seconds: float = 3.0):
    """Message 1 did some steps and was at work when it was cancelled at 12."""
    story = thread().message(1, at=10, seconds=seconds)
    if steps:
        story.wrote(1, *steps)
    story.cancel(1, 12, action)
    return story if status == "success" else story.ended(1, status)


WHOLE = ("input", "first", "middle", "last")


def test_a_run_that_was_cancelled_is_interrupted():
    assert not rules(cancelled("interrupt", "interrupted", "input", "first"))
    assert "C1.ended_otherwise" in rules(cancelled("interrupt", "error", "input"))


def test_a_run_that_was_cancelled_is_not_gone():
    story = cancelled("interrupt", "gone")
    assert "C1.gone" in rules(story)
    assert not rules(story.delete(1, 20))


def test_a_run_that_was_cancelled_and_is_a_success_is_whole():
    assert "C1.half" in rules(cancelled("interrupt", "success", "input", "first"))
    assert not rules(cancelled("interrupt", "success", *WHOLE, seconds=2.0))


def test_a_run_that_was_cancelled_does_not_go_on():
    assert "C1.ran_on" in rules(cancelled("interrupt", "success", *WHOLE, seconds=5.0))


def test_a_run_that_was_rolled_back_is_gone():
    assert not rules(cancelled("rollback", "gone"))
    story = cancelled("rollback", "interrupted", "input")
    assert "C2.not_gone" in rules(story)
    assert "C2.not_gone" not in rules(story.cancel(1, 11.5))


def test_a_run_that_was_rolled_back_leaves_no_trace():
    assert "C2.trace" in rules(cancelled("rollback", "gone", "input"))


def test_a_run_that_was_rolled_back_and_is_a_success_is_whole():
    assert "C2.half" in rules(cancelled("rollback", "success", "input"))
    assert not rules(cancelled("rollback", "success", *WHOLE, seconds=2.0))


def test_a_run_that_was_rolled_back_does_not_go_on():
    assert "C2.ran_on" in rules(cancelled("rollback", "success", *WHOLE, seconds=5.0))


def waited(*steps: str):
    """Message 1 was cancelled from 11 to 12 by somebody who waited until it had stopped."""
    story = thread().message(1, at=10).wrote(1, *steps).cancel(1, (11, 12), wait=True)
    return story.ended(1, "interrupted")


def test_when_a_cancel_that_waits_returns_the_run_is_not_in_flight():
    assert "C3.in_flight" in rules(waited("input").seen(1, "running", 12.5))
    assert not rules(waited("input").seen(1, "running", 11.9))


def test_when_a_cancel_that_waits_returns_the_run_does_not_write():
    assert "C3.wrote" in rules(waited("input", "first").state(12.5, "1:input"))
    assert not rules(waited("input", "first").state(12.5, "1:input", "1:first"))


def test_a_cancel_that_does_not_wait_may_return_before_the_run_has_stopped():
    story = thread().message(1, at=10).wrote(1, "input").ended(1, "interrupted").cancel(1, 11)
    assert not rules(story.seen(1, "running", 11.5))


def test_a_run_that_has_ended_cannot_be_cancelled():
    assert "C4.accepted" in rules(thread().turn(1).cancel(1, 16))
    assert not rules(thread().turn(1).cancel(1, 14.9))


def test_the_cancel_of_a_run_that_has_ended_is_404():
    assert "C4.wrong_code" in rules(thread().turn(1).cancel(1, 16, code=409))
    assert not rules(thread().turn(1).cancel(1, 16, code=404))


def test_the_cancel_of_a_run_in_flight_is_accepted():
    story = thread().turn(1).seen(1, "running", 12)
    assert "C4.refused" in rules(story.cancel(1, 11, code=404))


def test_the_second_cancel_of_a_run_may_be_refused():
    story = thread().message(1).wrote(1, "input").seen(1, "running", 13).ended(1, "interrupted")
    assert not rules(story.cancel(1, 11).cancel(1, 12, code=404))


def test_the_cancel_of_a_run_that_a_newcomer_cuts_may_be_refused():
    story = thread().message(1).wrote(1, "input").seen(1, "running", 13).ended(1, "interrupted")
    assert not rules(story.message(2, "interrupt", at=12).wrote(2).cancel(1, 12.5, code=404))


def test_a_question_is_not_answered_twice():
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED)
    story.answer(2, to=1, at=5).answer(3, to=1, at=5.1)
    assert not rules(story.wrote(2, "1:answer:2", "1:last"))
    assert "H1.twice" in rules(story.wrote(3, "1:answer:3", "1:last"))
