import pytest

from harness.histories import ASKED, examinations, frame, rules, thread, whole


@pytest.mark.parametrize("name", ["B1", "B2", "B3", "B4", "B5", "B6"])
def test_an_empty_thread_gives_nothing_to_examine(name):
    examined = examinations(thread())[name]
    assert (examined.examined, examined.findings) == (0, [])


def rolled_back(*left: str, status: str = "gone", seconds: float = 3.0):
    """Message 2 was at work after message 1 when message 3 came at 22 and rolled it back."""
    story = thread().turn(1).message(2, at=20, seconds=seconds).seen(2, "running", 22.3)
    if left:
        story.wrote(2, *left)
    story.message(3, "rollback", at=22)
    return story if status == "success" else story.ended(2, status)


def test_a_run_that_is_rolled_back_breaks_nothing():
    assert not rules(rolled_back().wrote(3))


def test_a_victim_is_not_left_interrupted():
    story = rolled_back("input", status="interrupted").wrote(3)
    assert "B1.left_interrupted" in rules(story)
    assert "B1.left_interrupted" not in rules(story.cancel(2, 21))


def test_a_victim_does_not_end_otherwise():
    assert "B1.failed" in rules(rolled_back("input", status="error").wrote(3))


def test_a_victim_that_is_a_success_is_whole():
    assert "B1.half" in rules(rolled_back("input", "first", status="success").wrote(3))
    finished = rolled_back("input", "first", "middle", "last", status="success", seconds=2.0)
    assert not rules(finished.wrote(3))


def test_a_victim_does_not_go_on():
    story = rolled_back("input", "first", "middle", "last", status="success", seconds=4.0)
    assert "B1.ran_on" in rules(story.wrote(3))


def test_a_victim_that_waited_does_not_start():
    story = thread().message(1, at=10).message(2, at=11).seen(2, "pending", 12.5)
    story.message(3, "rollback", at=12).ended(1, "gone").wrote(2).wrote(3)
    assert "B1.started" in rules(story)
    story = thread().message(1, at=10).message(2, at=11).seen(2, "pending", 12.5)
    assert not rules(story.message(3, "rollback", at=12).ended(1, "gone").ended(2, "gone").wrote(3))


def test_no_checkpoint_of_a_victim_is_left():
    assert "B2.checkpoint_left" in rules(rolled_back("1:seen").wrote(3))


def test_no_mark_of_a_victim_is_left():
    assert "B2.marks_left" in rules(rolled_back("input").wrote(3))
    assert "B2.marks_left" in rules(rolled_back().wrote(3, "2:input", "input"))


def test_no_answer_of_a_victim_is_left():
    assert "B2.marks_left" in rules(taken_back().wrote(1, "1:answer:2"))


@pytest.mark.parametrize("place", ["history", "state", "thread"])
def test_nothing_that_is_read_at_rest_mentions_a_victim(place):
    story = rolled_back().wrote(3)
    rule = {"history": "B2.left_in_history", "state": "B2.left_in_state"}
    expected = rule.get(place, "B2.left_in_thread")
    assert expected in rules(story.at_rest(mentions={place: ["2"]}))
    assert not rules(story.at_rest(mentions={place: ["1"]}))


def test_the_id_of_a_victim_is_a_mention_too():
    assert "B2.left_in_state" in rules(
        rolled_back().wrote(3).at_rest(mentions={"state": ["run-2"]})
    )


@pytest.mark.parametrize("read", ["state", "status"])
def test_nobody_reads_marks_of_a_victim_that_is_gone(read):
    def told(at: float):
        story = rolled_back().wrote(3).seen(2, "gone", 24)
        shown = [*whole(1), "2:input"]
        return story.state(at, *shown) if read == "state" else story.status("busy", at, *shown)

    assert "B2.read_after" in rules(told(25))
    assert not rules(told(23.5))


def test_a_newcomer_starts_before_its_victim():
    assert {"B3.wrong_base", "B3.too_far_back"} <= rules(rolled_back().wrote(3, after="c3"))
    assert not rules(rolled_back().wrote(3, after="c4"))


def test_a_message_that_rolls_back_is_not_refused():
    assert "B4.refused" in rules(thread().turn(1).refused(2, "rollback", 11))
    assert "B4.refused" in rules(thread().turn(1).refused(2, "rollback", 11, code=422))
    assert not rules(thread().turn(1).refused(2, "rollback", 11, code=429))


def test_the_newest_message_succeeds():
    story = rolled_back().wrote(3, "input").ended(3, "error")
    assert "B4.no_success" in rules(story)
    assert "B4.no_success" not in rules(story.cancel(3, 23))


def storm(*survivors: int, seconds: float = 3.0):
    """Three messages at the same moment, each of which rolls the others back."""
    story = thread()
    for number in (1, 2, 3):
        made = 10 + number / 10
        sent = {"at": (10.0, 10.5), "created": made, "seconds": seconds, "together": "g"}
        story.message(number, "rollback", **sent)
        if number in survivors:
            story.wrote(number)
        else:
            story.ended(number, "gone")
    return story


def test_the_newest_of_a_storm_survives():
    assert not rules(storm(3))


def test_somebody_survives_a_storm():
    assert "B4.nobody_survived" in rules(storm())


def test_two_that_work_longer_than_a_cut_do_not_both_survive():
    assert "B4.two_survived" in rules(storm(2, 3))
    assert not rules(storm(2, 3, seconds=0.3))


def test_the_reader_of_a_victim_is_told():
    story = rolled_back().wrote(3).seen(2, "gone", 23)
    assert "B4.readers_never_end" in rules(story.silent(2, (20, 50)))


def test_the_reader_of_a_victim_is_told_soon():
    story = rolled_back().wrote(3).seen(2, "gone", 23)
    assert not rules(story.join(2, (20, 23.9), failure="RunGone"))
    assert "B4.readers_end_late" in rules(story.join(2, (20, 24.2), failure="RunGone"))


def test_the_reader_of_a_victim_is_not_told_of_a_success():
    assert "B4.saw_success" in rules(rolled_back().wrote(3).join(2, (20, 23), status="success"))
    whole_log = rolled_back().wrote(3).join(2, (20, 23), whole(1, 2), status="rolled_back")
    assert "B4.saw_success" in rules(whole_log)
    frames = [frame(23, name="metadata", status="success")]
    assert "B4.saw_success" in rules(rolled_back().wrote(3).stream(2, (20, 23), frames))


def test_the_reader_of_a_victim_is_told_the_reason():
    assert "B4.no_reason" in rules(rolled_back().wrote(3).stream(2, (20, 23)))
    frames = [frame(23, name="metadata", status="rolled_back")]
    assert not rules(rolled_back().wrote(3).stream(2, (20, 23), frames))


def test_a_success_before_a_rollback_stays_a_success():
    assert "B5.status" in rules(rolled_back().wrote(3).ended(1, "interrupted"))
    assert not rules(rolled_back().wrote(3))


def test_the_marks_of_a_success_before_a_rollback_stay():
    story = thread().message(1).seen(1, "success", 15).message(2, at=20).ended(2, "gone")
    assert "B5.marks" in rules(story.message(3, "rollback", at=22).wrote(3))


def test_what_was_deleted_need_not_stay():
    story = thread().turn(1).delete(1, 16).ended(1, "gone").message(2, "rollback", at=22)
    assert "B5.status" not in rules(story.wrote(2))


def taken_back():
    """Message 1 asked, and answer 2 to it was rolled back."""
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED).seen(1, "success", 4)
    return story.answer(2, to=1, at=5).cancel(2, (6, 7), "rollback", wait=True).ended(2, "gone")


def asked() -> tuple[str, ...]:
    return tuple(f"1:{step}" for step in ASKED)


def test_a_question_whose_answer_was_taken_back_waits_again():
    assert "B6.question_lost" in rules(taken_back().state(8, *asked()))
    assert not rules(taken_back().state(8, *asked(), questions=[1]))


def test_a_question_need_not_wait_when_something_was_sent_meanwhile():
    story = taken_back().message(3, at=7.5).wrote(3)
    assert not rules(story.state(8, *asked()))


def test_the_next_answer_after_one_that_was_taken_back_counts():
    story = taken_back().answer(3, to=1, at=10)
    assert "B6.next_ignored" in rules(story)
    assert not rules(story.wrote(3, "1:answer:3", "1:last"))


def test_the_next_answer_need_not_count_when_somebody_talked_over_the_question():
    story = taken_back().message(3, at=8).wrote(3).answer(4, to=1, at=10)
    assert not rules(story)


def test_a_question_that_was_answered_does_not_wait_for_the_next_answer():
    story = taken_back().answer(3, to=1, at=10).wrote(3, "1:answer:3", "1:last")
    assert not rules(story.answer(4, to=1, at=20))
    earlier = thread().message(1, at=1, asks=True).wrote(1, *ASKED).seen(1, "success", 4)
    earlier.answer(2, to=1, at=5).wrote(2, "1:answer:2", "1:last").answer(3, to=1, at=6)
    earlier.cancel(3, (6.5, 7), "rollback").ended(3, "gone").answer(4, to=1, at=8)
    assert not rules(earlier)


def test_the_next_answer_need_not_count_when_a_message_for_later_may_have_come_first():
    story = taken_back().message(3, at=9.5, after_seconds=1.0).answer(4, to=1, at=9)
    assert "B6.next_ignored" not in rules(story.wrote(3))
