from harness.histories import ASKED, marks, thread, whole
from outrigger_loadtests.models.sequential import expected_log


def expected(story) -> list[str]:
    return expected_log(story.read().runs)


def log(*short: str) -> list[str]:
    return list(marks(*short))


def asking():
    return thread().message(1, at=1, asks=True).wrote(1, *ASKED)


QUESTION = [f"1:{step}" for step in ASKED]


def test_no_runs_leave_nothing():
    assert expected(thread()) == []


def test_successes_leave_all_their_marks_one_after_the_other():
    assert expected(thread().message(1).message(2)) == log(*whole(1, 2))


def test_the_order_is_that_of_the_server():
    story = thread().message(1, at=(10, 12), created=11.5)
    assert expected(story.message(2, at=(10, 12), created=11)) == log(*whole(2, 1))


def test_a_run_that_is_gone_leaves_nothing():
    assert expected(thread().turn(1).message(2).ended(2, "gone")) == log(*whole(1))


def test_a_run_that_was_cut_leaves_the_steps_it_got_to():
    story = thread().message(1).wrote(1, "input", "first").ended(1, "interrupted")
    assert expected(story.message(2)) == log("1:input", "1:first", *whole(2))


def test_a_run_that_asks_leaves_no_last_mark():
    assert expected(asking()) == log(*QUESTION)


def test_an_answer_leaves_itself_and_the_last_mark_of_the_question():
    story = asking().answer(2, to=1, at=5)
    assert expected(story) == log(*QUESTION, "1:answer:2", "1:last")


def test_a_second_answer_leaves_nothing():
    story = asking().answer(2, to=1, at=5).answer(3, to=1, at=6)
    assert expected(story) == log(*QUESTION, "1:answer:2", "1:last")


def test_an_answer_that_is_gone_leaves_the_question_to_the_next_one():
    story = asking().answer(2, to=1, at=5).answer(3, to=1, at=6).ended(2, "gone")
    assert expected(story) == log(*QUESTION, "1:answer:3", "1:last")


def test_an_answer_that_was_interrupted_leaves_the_question_to_the_next_one():
    story = asking().answer(2, to=1, at=5).answer(3, to=1, at=6).ended(2, "interrupted")
    assert expected(story) == log(*QUESTION, "1:answer:3", "1:last")


def test_a_question_that_was_talked_over_is_not_answered_any_more():
    story = asking().message(2, at=5).answer(3, to=1, at=20)
    assert expected(story) == log(*QUESTION, *whole(2))


def test_a_message_that_left_nothing_leaves_the_question_open():
    story = asking().message(2, at=5).ended(2, "interrupted").answer(3, to=1, at=20)
    assert expected(story) == log(*QUESTION, "1:answer:3", "1:last")


def test_a_question_of_a_run_that_was_cut_was_never_asked():
    story = asking().ended(1, "interrupted").answer(2, to=1, at=5)
    assert expected(story) == log(*QUESTION)
