import pytest

from harness.histories import ASKED, examinations, frame, rules, thread, whole


@pytest.mark.parametrize("name", ["G6", "G7"])
def test_an_empty_thread_gives_nothing_to_examine(name):
    examined = examinations(thread())[name]
    assert (examined.examined, examined.findings) == (0, [])


def test_a_thread_without_a_history_gives_nothing_to_examine():
    unread = examinations(thread().turn(1).at_rest(without={"history"}))
    assert unread["G6"].verdict is None
    assert unread["G7"].verdict is None


def test_a_mark_does_not_stand_twice():
    story = thread().message(1).wrote(1, "input", "input", "first", "middle", "last")
    assert "G6.twice" in rules(story)
    assert not rules(thread().turn(1))


def test_a_mark_of_a_run_that_was_cut_does_not_stand_twice_either():
    story = thread().message(1).wrote(1, "input", "input").cancel(1, 11).ended(1, "interrupted")
    assert "G6.twice" in rules(story)


def test_the_input_of_a_success_is_not_lost():
    assert "G6.lost" in rules(thread().message(1).wrote(1, "first", "middle", "last"))
    assert not rules(thread().message(1).wrote(1, "input", "first", "middle", "last"))


def test_the_input_of_a_refused_run_is_nowhere():
    story = thread().turn(1, strategy="reject").refused(2, "reject", 11)
    assert not rules(story.message(3).wrote(3))
    assert "G6.refused" in rules(story.wrote(3, "2:input"))


def test_the_input_of_a_run_refused_for_another_reason_is_nowhere_either():
    story = thread().message(1).wrote(1, "2:input", "1:input", "first", "middle", "last")
    assert "G6.refused" in rules(story.refused(2, "enqueue", 11, code=422))


def test_a_success_has_all_its_marks():
    assert "G7.success_in_part" in rules(thread().message(1).wrote(1, "input", "first", "last"))
    assert not rules(thread().message(1).wrote(1))


def test_a_success_that_asks_lacks_its_last_mark():
    story = thread().message(1, asks=True).wrote(1, *ASKED, then=["ask"])
    assert not rules(story.at_rest(status="interrupted"))


def test_a_success_that_asks_has_all_marks_before_the_question():
    story = thread().message(1, asks=True).at_rest(status="interrupted")
    assert "G7.success_in_part" in rules(story.wrote(1, "input", "first"))


def test_a_run_with_all_its_marks_was_not_cut():
    story = thread().message(1).cancel(1, 11).ended(1, "interrupted")
    assert not rules(story.wrote(1, "input", "first", "middle"))
    assert "G7.whole_and_cut" in rules(story.wrote(1, "last"))


def test_a_cut_run_leaves_no_hole():
    story = thread().message(1).cancel(1, 11).ended(1, "interrupted")
    assert "G7.hole" in rules(story.wrote(1, "input", "middle"))


def test_a_cut_run_may_leave_nothing():
    assert not rules(thread().message(1).cancel(1, 11).ended(1, "interrupted"))


@pytest.mark.parametrize(
    "tell",
    [
        lambda story: story.state(12, *whole(1), "x1-2-7:input"),
        lambda story: story.status("busy", 12, "x1-2-7:input"),
        lambda story: story.stream(1, (12, 13), [frame(12, "x1-2-7:input")]),
        lambda story: story.join(1, (12, 13), ["x1-2-7:input"]),
        lambda story: story.message(2).wrote(2, "input", "x1-2-7:first"),
    ],
    ids=["state", "values", "stream", "join", "history"],
)
def test_a_mark_of_another_thread_is_nowhere(tell):
    assert "G11.foreign_mark" in rules(tell(thread().turn(1)))


def test_marks_of_the_thread_itself_are_at_home():
    story = thread().turn(1).state(12, "1:input").status("busy", 12, "1:input")
    assert not rules(story.join(1, (12, 13), whole(1)))


def test_a_run_of_another_thread_is_not_in_the_list():
    story = thread().turn(1)
    assert "G11.foreign_run" in rules(story.listed(1, "success", thread_id="thread-2"))
    assert not rules(story.listed(1, "success", thread_id="thread-1"))


def test_a_list_that_does_not_say_whose_runs_they_are_shows_no_foreign_run():
    assert not rules(thread().turn(1).listed(1, "success", thread_id=""))
