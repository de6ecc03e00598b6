import pytest

from harness.histories import ASKED, examinations, rules, thread, whole


@pytest.mark.parametrize("name", ["G3", "G4"])
def test_an_empty_thread_gives_nothing_to_examine(name):
    examined = examinations(thread())[name]
    assert (examined.examined, examined.findings) == (0, [])


def test_an_empty_thread_read_at_rest_breaks_nothing():
    assert not rules(thread())


@pytest.mark.parametrize("name", ["G5", "G8"])
def test_a_thread_of_which_nothing_was_read_gives_nothing_to_examine(name):
    unread = thread().at_rest(without={"runs", "history", "state", "thread", "settled"})
    assert examinations(unread)[name].verdict is None


def test_a_history_begins_once():
    story = thread().turn(1).message(2)
    assert "G3.second_root" in rules(story.wrote(2, after=""))
    assert not rules(thread().turn(1).turn(2))


def test_a_parent_that_is_not_there_dangles():
    story = thread().turn(1).message(2)
    assert "G3.dangling_parent" in rules(story.wrote(2, after="nowhere"))
    assert not rules(thread().turn(1).message(2).wrote(2, after="c4"))


def test_two_runs_that_start_from_the_same_checkpoint_are_a_fork():
    story = thread().turn(1).turn(2).message(3)
    assert "G3.fork" in rules(story.wrote(3, after="c4"))
    assert "G3.fork" not in rules(thread().turn(1).turn(2).turn(3))


def test_a_fork_that_was_asked_for_is_fine():
    story = thread().turn(1).turn(2).message(3, at_checkpoint="c4").wrote(3, after="c4")
    assert "G3.fork" not in rules(story)


def test_a_run_that_nobody_sent_is_a_stranger():
    assert "G4.stranger" in rules(thread().turn(1).wrote(9, "1:first"))
    assert not rules(thread().turn(1))


def test_a_writer_may_be_a_run_whose_create_nobody_knows_about():
    story = thread().turn(1).wrote(9, "1:input").lost(2, "enqueue", (50, None))
    assert "G4.stranger" not in rules(story)


def test_a_run_that_writes_between_the_checkpoints_of_another_is_a_second_writer():
    story = thread().message(1).message(2).wrote(1, "input").wrote(2, "input").wrote(1, "first")
    assert {"G4.second_writer", "G8.wrote_after_next"} <= rules(story)
    assert not rules(thread().message(1).message(2).wrote(1).wrote(2))


def test_a_checkpoint_does_not_lose_marks_of_its_parent():
    assert "G5.shrunk" in rules(thread().turn(1).message(2).wrote(2, keeps=3))
    assert not rules(thread().turn(1).message(2).wrote(2, keeps=4))


def test_marks_that_were_read_stay():
    assert "G5.not_a_prefix" in rules(thread().turn(1).state(12, "1:input", "1:middle"))
    assert not rules(thread().turn(1).state(12, "1:input", "1:first"))


def test_marks_of_a_run_that_was_rolled_back_do_not_stay():
    story = thread().turn(1).message(2, at=20).cancel(2, 22, "rollback").ended(2, "gone")
    assert not rules(story.state(21, *whole(1), "2:input", "2:first"))


def test_the_last_mark_that_an_answer_wrote_goes_with_it():
    story = thread().message(1, asks=True, at=1).wrote(1, *ASKED).answer(2, to=1, at=5)
    story.state(6, *(f"1:{each}" for each in ASKED), "1:answer:2", "1:last")
    story.cancel(2, (5.5, 7), "rollback").ended(2, "gone")
    assert not rules(story)


def test_marks_that_the_values_of_the_thread_showed_stay():
    story = thread().turn(1).status("busy", 12, "1:input", "1:middle")
    assert "G5.values_not_a_prefix" in rules(story)
    assert not rules(thread().turn(1).status("busy", 12, "1:input", "1:first"))


def test_the_values_of_the_thread_may_show_a_run_that_was_rolled_back():
    story = thread().turn(1).message(2, at=20).cancel(2, 22, "rollback").ended(2, "gone")
    assert not rules(story.status("busy", 21, *whole(1), "2:input"))


def test_marks_of_a_run_that_was_deleted_do_not_stay():
    story = thread().turn(1).message(2, at=20).delete(2, 22).ended(2, "gone")
    assert not rules(story.state(21, *whole(1), "2:input"))


def test_a_later_read_does_not_show_less():
    story = thread().turn(1).state(12, *whole(1))
    assert "G5.went_back" in rules(story.state(13, "1:input"))
    assert not rules(thread().turn(1).state((12, 14), *whole(1)).state(13, "1:input"))


def test_the_state_at_rest_is_the_head_of_the_history():
    assert "G5.state_differs" in rules(thread().turn(1).at_rest(state=["1:input"]))
    assert not rules(thread().turn(1).at_rest(state=whole(1)))


def test_the_state_at_rest_is_that_of_the_newest_checkpoint():
    assert "G5.state_differs" in rules(thread().turn(1).at_rest(head="c3"))
    assert not rules(thread().turn(1).at_rest(head="c4"))


def test_the_values_of_the_thread_at_rest_are_the_head_of_the_history():
    assert "G5.values_differ" in rules(thread().turn(1).at_rest(values=["1:input"]))
    assert not rules(thread().turn(1).at_rest(values=whole(1)))


def test_a_join_of_the_last_run_at_rest_gives_the_head_of_the_history():
    assert "G5.join_differs" in rules(thread().turn(1).join(1, 110, ["1:input"]))
    assert not rules(thread().turn(1).join(1, 110, whole(1)))


def test_a_thread_is_not_idle_while_a_run_is_in_flight():
    story = thread().turn(1).seen(1, "running", 12)
    assert "G8.idle_in_flight" in rules(story.status("idle", 11))
    assert not rules(thread().turn(1).seen(1, "running", 12).status("busy", 11))


def test_a_thread_may_be_idle_before_the_run_was_accepted():
    story = thread().message(1, at=(10, 12)).wrote(1).seen(1, "running", 14)
    assert not rules(story.status("idle", (11, 13)))


def test_the_thread_of_a_run_that_must_have_worked_a_while_is_not_idle():
    story = thread().turn(1, seconds=4.0).status("idle", 12)
    assert "G8.idle_in_flight" in rules(story)


def test_a_run_does_not_write_after_the_next_one_has_begun():
    story = thread().message(1).message(2).wrote(1, "input", "first", "middle").wrote(2)
    assert "G8.wrote_after_next" in rules(story.wrote(1, "last"))


def test_a_run_does_not_write_after_it_was_seen_to_have_ended():
    early = thread().turn(1).state(16, "1:input", "1:first")
    assert "G8.wrote_after_end" in rules(early)
    assert not rules(thread().turn(1).state(16, *whole(1)))


def test_what_an_answer_writes_is_not_of_the_run_that_asked():
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED).seen(1, "success", 3)
    story.state(4, *(f"1:{each}" for each in ASKED), questions=[1])
    assert not rules(story.answer(2, to=1, at=5).wrote(2, "1:answer:2", "1:last"))
