import pytest

from harness.histories import ASKED, examinations, frame, rules, thread, whole
from outrigger_loadtests.history.operations import Ending, Endpoint
from outrigger_loadtests.marks import STEPS


@pytest.mark.parametrize("name", ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"])
def test_an_empty_thread_gives_nothing_to_examine(name):
    examined = examinations(thread())[name]
    assert (examined.examined, examined.findings) == (0, [])


def cut(*steps: str, status: str = "interrupted", probe: str = "probe_async", seconds: float = 3.0):
    """Message 1 did some steps and was at work when message 2 came at 12 and interrupted it."""
    story = (
        thread(probe).message(1, at=10, seconds=seconds).wrote(1, *(steps or ["input", "first"]))
    )
    story.seen(1, "running", 12.3).message(2, "interrupt", at=12)
    return story if status == "success" else story.ended(1, status)


def test_a_run_that_is_cut_breaks_nothing():
    assert not rules(cut().wrote(2))


def test_a_message_that_interrupts_is_not_refused():
    assert "I1.refused" in rules(thread().turn(1).refused(2, "interrupt", 11))
    assert "I1.refused" in rules(thread().turn(1).refused(2, "interrupt", 11, code=422))
    assert not rules(thread().turn(1).refused(2, "interrupt", 11, code=429))


def test_a_victim_is_not_gone():
    assert "I2.gone" in rules(cut(status="gone").wrote(2))
    assert "I2.gone" not in rules(cut(status="gone").wrote(2).cancel(1, 13, "rollback"))


def test_a_victim_does_not_end_otherwise():
    assert "I2.failed" in rules(cut(status="error").wrote(2))


def test_a_victim_that_is_a_success_is_whole():
    assert "I2.half" in rules(cut("input", "first", "middle", status="success").wrote(2))
    assert not rules(cut("input", "first", "middle", "last", status="success", seconds=2).wrote(2))


def test_a_victim_does_not_go_on():
    assert "I2.ran_on" in rules(cut().wrote(2).seen(1, "running", 15.6))
    assert not rules(cut().wrote(2).seen(1, "running", 15.4))


def test_a_victim_whose_work_takes_longer_than_a_cut_does_not_succeed():
    story = cut("input", "first", "middle", "last", status="success", seconds=4.0)
    assert "I2.ran_on" in rules(story.wrote(2))


def test_a_victim_that_does_not_stop_promptly_may_go_on_for_the_grace():
    story = cut(probe="probe_swallow").wrote(2)
    assert not rules(story.seen(1, "running", 15))
    assert "I2.ran_on" in rules(story.seen(1, "running", 15.6))


def test_a_graph_that_blocks_may_go_on_for_long():
    assert not rules(cut(probe="probe_blocking").wrote(2).seen(1, "running", 20))


def test_a_finished_step_of_a_victim_stays():
    seen = cut().state(11.5, "1:input", "1:first", "1:middle").wrote(2)
    assert "I3.lost_step" in rules(seen)
    assert not rules(cut().state(11.5, "1:input", "1:first").wrote(2))


def test_a_step_that_a_stream_showed_as_finished_stays():
    frames = [frame(11, "1:input", "1:first", "1:middle"), frame(13, status="interrupted")]
    assert "I3.lost_step" in rules(cut().wrote(2).stream(1, (10, 13), frames))
    frames[0] = frame(11, "1:input", "1:first")
    assert not rules(cut().wrote(2).stream(1, (10, 13), frames))


def test_a_step_that_a_stream_alone_showed_may_be_lost_with_its_worker():
    frames = [frame(11, "1:input", "1:first", "1:middle"), frame(13, status="interrupted")]

    def story():
        return cut().wrote(2).stream(1, (10, 13), frames)

    assert not rules(story().fault("kill worker", 11.5))
    assert "I3.lost_step" in rules(story().fault("kill worker", 12.5))
    assert "I3.lost_step" in rules(story().fault("kill api", 11.5))
    seen = story().state(11.5, "1:input", "1:first", "1:middle")
    assert "I3.lost_step" in rules(seen.fault("kill worker", 11.5))


def test_a_victim_does_not_write_among_later_runs():
    story = cut().wrote(2, "input", "first")
    assert "I3.late_mark" in rules(story.wrote(2, "1:middle", "2:middle", "2:last"))


def waiting(*steps: str, status: str):
    """Message 2 still waited behind message 1 when message 3 came and interrupted both."""
    story = thread().message(1, at=10).wrote(1, "input", "first").ended(1, "interrupted")
    story.message(2, at=11).message(3, "interrupt", at=12)
    if steps:
        story.wrote(2, *steps)
    return story.ended(2, status).wrote(3)


def test_a_victim_that_waited_leaves_nothing():
    assert not rules(waiting(status="interrupted"))


def test_a_victim_that_waited_does_not_start():
    story = waiting("input", "first", "middle", "last", status="success")
    assert "I4.started" in rules(story.seen(2, "running", 12.5))


def test_a_victim_that_waited_does_not_write():
    assert "I4.trace" in rules(waiting("input", status="interrupted"))


def test_a_victim_behind_a_run_that_somebody_stopped_may_have_started():
    assert "I4.trace" not in rules(waiting("input", status="interrupted").cancel(1, 11.5))


def test_a_victim_behind_a_run_in_flight_all_the_while_waited():
    story = thread().turn(1, at=9, seconds=3.5).seen(1, "running", 12.5)
    story.message(2, at=10).wrote(2, "input").ended(2, "interrupted")
    story.message(3, "interrupt", at=12).wrote(3)
    assert "I4.trace" in rules(story)


def test_a_newcomer_starts_from_the_cut():
    assert "I5.not_from_the_cut" in rules(cut().wrote(2, after="c1"))
    assert not rules(cut().wrote(2, after="c2"))


def test_a_newcomer_does_not_begin_before_its_victim_has_written():
    story = cut().wrote(2, "input", "1:middle", "first", "middle", "last")
    assert "I5.missed_marks" in rules(story)
    assert not rules(cut("input", "first", "middle").wrote(2))


def test_a_newcomer_does_not_write_what_its_victim_had_not_finished():
    assert "I5.missed_marks" in rules(cut().wrote(2, "1:middle", *STEPS))


def test_a_newcomer_begins_with_all_that_its_victim_had_written():
    assert "I5.missed_marks" in rules(cut().wrote(2, after="c1"))
    assert "I5.missed_marks" in rules(cut().wrote(2, after=""))
    assert not rules(cut().wrote(2, after="c2"))


def test_the_newest_message_succeeds():
    story = cut().wrote(2, "input").ended(2, "error")
    assert "I6.no_success" in rules(story)
    assert "I6.no_success" not in rules(story.cancel(2, 13))


def storm(*survivors: int, seconds: float = 3.0, probe: str = "probe_async"):
    """Three messages at the same moment, each of which interrupts the others."""
    story = thread(probe)
    for number in (1, 2, 3):
        made = 10 + number / 10
        sent = {"at": (10.0, 10.5), "created": made, "seconds": seconds, "together": "g"}
        story.message(number, "interrupt", **sent)
        if number in survivors:
            story.wrote(number)
        else:
            story.ended(number, "interrupted")
    return story


def test_the_newest_of_a_storm_survives():
    assert not rules(storm(3))


def test_somebody_survives_a_storm():
    assert "I7.nobody_survived" in rules(storm())
    assert "I7.nobody_survived" not in rules(storm().cancel(3, 11))


def test_two_that_work_longer_than_a_cut_do_not_both_survive():
    assert "I7.two_survived" in rules(storm(2, 3))
    assert not rules(storm(2, 3, seconds=0.3))


@pytest.mark.parametrize("survivor", [2, 3])
def test_a_storm_whose_newest_two_share_a_moment_is_judged_by_both(survivor: int):
    story = thread()
    for number in (1, 2, 3):
        created = min(10 + number / 10, 10.2)
        story.message(number, "interrupt", (10, 10.5), created, seconds=3.0, together="g")
        story.ended(number, "interrupted")
        if number != survivor:
            story.seen(number, "interrupted", 10.6)
    assert "I7.nobody_survived" in rules(story)
    assert not rules(story.message(4, "interrupt", at=11).wrote(survivor, "input").wrote(4))


def test_a_storm_of_which_one_outcome_is_unknown_is_not_judged():
    assert "I7.nobody_survived" not in rules(storm().lost(4, "interrupt", (10, None), together="g"))


def test_the_reader_of_a_victim_is_told():
    story = cut().wrote(2).seen(1, "interrupted", 13)
    assert "I8.never_end" in rules(story.silent(1, (10, 40)))


def test_who_waits_for_a_victim_is_told():
    timed_out = {"outcome": "info", "error": "timed out"}
    story = cut().wrote(2).seen(1, "interrupted", 13)
    assert "I8.never_end" in rules(story.join(1, (10, 40), **timed_out))


def test_the_reader_of_a_victim_is_told_soon():
    story = cut().wrote(2).seen(1, "interrupted", 13)
    assert not rules(story.join(1, (10, 13.9), ["1:input"], failure="UserInterrupt"))
    assert "I8.end_late" in rules(story.join(1, (10, 14.2), ["1:input"], failure="UserInterrupt"))


def test_the_reader_of_a_victim_is_not_told_of_a_success():
    assert "I8.saw_success" in rules(cut().wrote(2).join(1, (10, 13), status="success"))
    whole_log = cut().wrote(2).join(1, (10, 13), whole(1), status="interrupted")
    assert "I8.saw_success" in rules(whole_log)
    frames = [frame(13, name="metadata", status="success")]
    assert "I8.saw_success" in rules(cut().wrote(2).stream(1, (10, 13), frames))
    assert not rules(cut().wrote(2).join(1, (10, 13), ["1:input"], status="interrupted"))


def test_who_waited_longer_than_a_heartbeat_need_not_be_told_the_reason():
    assert not rules(cut().wrote(2).join(1, (10, 14.6), ["1:input"]))
    assert "I8.no_reason" in rules(cut().wrote(2).join(1, (10, 14.4), ["1:input"]))


def test_a_reader_whose_patience_ended_before_the_run_did_was_told_nothing():
    story = cut().wrote(2).seen(1, "interrupted", 13)
    assert not rules(story.silent(1, (10, 12.5)).silent(1, (10, 13.9)))
    assert "I8.never_end" in rules(story.silent(1, (10, 14.2)))


def test_the_reader_of_a_victim_is_told_the_reason():
    assert "I8.no_reason" in rules(cut().wrote(2).stream(1, (10, 13), [frame(11, "1:input")]))
    told = [frame(11, "1:input"), frame(13, status="interrupted", name="metadata")]
    assert not rules(cut().wrote(2).stream(1, (10, 13), told))
    assert "I8.no_reason" in rules(cut().wrote(2).join(1, (10, 13), ["1:input"]))
    assert not rules(cut().wrote(2).join(1, (10, 13), ["1:input"], status="interrupted"))


def test_a_reader_that_went_away_was_told_nothing():
    frames = [frame(11, "1:input")]
    assert not rules(cut().wrote(2).stream(1, (10, 13), frames, ending=Ending.LEFT))


def test_a_reader_that_came_after_the_cut_may_be_told_nothing():
    joined = {"endpoint": Endpoint.JOIN}
    late = cut().wrote(2).stream(1, (12.5, 13), [frame(12.6, "1:input")], **joined)
    assert not rules(late)
    early = cut().wrote(2).stream(1, (11, 13), [frame(11.1, "1:input")], **joined)
    assert "I8.no_reason" in rules(early)


def test_a_question_that_is_talked_over_stays_in_the_log():
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED).seen(1, "success", 5)
    assert not rules(story.message(2, "interrupt", at=12).wrote(2))
