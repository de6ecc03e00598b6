from dataclasses import replace as replaced

import msgspec
import pytest

from harness.histories import ASKED, events, examinations, findings, frame, rules, thread, whole
from outrigger_loadtests.history.operations import Ending, Endpoint, Frame
from outrigger_loadtests.verdict import Verdict

WHOLE = events(1, 12)


def with_id(event: Frame, event_id: str) -> Frame:
    return msgspec.structs.replace(event, id=event_id)


def test_an_empty_thread_gives_nothing_to_examine():
    examined = examinations(thread())["G10"]
    assert (examined.examined, examined.findings) == (0, [])


def test_a_stream_with_all_events_breaks_nothing():
    assert not rules(thread().turn(1).stream(1, (10.1, 15.2), WHOLE))


def test_a_stream_tells_of_no_other_run():
    foreign = frame(12, name="metadata", run_id="run-2")
    assert "G10.foreign_run" in rules(thread().turn(1).stream(1, (10.1, 15), [*WHOLE, foreign]))
    own = frame(12, name="metadata", run_id="run-1")
    assert not rules(thread().turn(1).stream(1, (10.1, 15), [*WHOLE, own]))


def test_a_stream_carries_no_update_of_another_run():
    story = thread().turn(1).turn(2)
    update = frame(13, "1:last", name="updates")
    assert "G10.foreign_event" in rules(story.stream(2, (20.1, 25), [*events(2, 21), update]))
    values = frame(13, "1:last", "2:input", name="values")
    story = thread().turn(1).turn(2).stream(2, (20.1, 25), [*events(2, 21), values])
    assert not rules(story)


def test_an_update_of_a_subgraph_is_an_update():
    update = frame(13, "2:last", name="updates|child")
    assert "G10.foreign_event" in rules(thread().turn(1).stream(1, (10.1, 15), [*WHOLE, update]))


def test_the_stream_of_an_answer_carries_marks_of_the_question():
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED)
    story.answer(2, to=1, at=5).wrote(2, "1:answer:2", "1:last")
    assert not rules(story.stream(2, (5, 6), events(2, 5, "1:answer:2", "1:last")))


@pytest.mark.parametrize("wrong", ["2", "1", "10-1"])
def test_ids_of_events_increase(wrong):
    going_back = [*WHOLE[:2], with_id(WHOLE[2], wrong), *WHOLE[3:]]
    story = thread().turn(1).stream(1, (10.1, 15), going_back)
    assert "G10.ids_not_increasing" in rules(story)


def test_ids_of_two_numbers_increase_like_numbers():
    ids = ["9-1", "9-2", "9-10", "10-0", "10-1"]
    increasing = [with_id(*pair) for pair in zip(WHOLE, ids, strict=True)]
    assert not rules(thread().turn(1).stream(1, (10.1, 15), increasing))


def test_the_stream_of_a_run_that_has_ended_ends():
    assert "G10.never_ends" in rules(thread().turn(1).silent(1, (10.1, 40)))
    left = thread().turn(1).stream(1, (10.1, 40), WHOLE, ending=Ending.LEFT)
    assert not rules(left)
    assert not rules(thread().turn(1).silent(1, (10.1, 15.9)))  # it may still have been told


def test_the_stream_of_a_run_of_which_nobody_knows_that_it_ended_may_go_on():
    story = thread().message(1).at_rest(without={"runs"}).silent(1, (10.1, 40))
    assert "G10.never_ends" not in rules(story)


def test_a_stream_ends_soon_after_its_run():
    assert "G10.ends_late" in rules(thread().turn(1).stream(1, (10.1, 16.2), WHOLE))
    assert not rules(thread().turn(1).stream(1, (10.1, 15.9), WHOLE))


def test_a_stream_may_end_later_where_the_client_stood_still():
    story = thread().turn(1).stream(1, (10.1, 16.2), WHOLE).stalled(12, 13)
    assert not rules(story)


def test_a_stream_that_began_after_the_run_had_ended_ends_soon_too():
    assert "G10.ends_late" in rules(thread().turn(1).stream(1, (20, 22), WHOLE))
    assert not rules(thread().turn(1).stream(1, (20, 20.5), WHOLE))


def test_a_graph_that_blocks_may_delay_the_end_of_a_stream():
    assert not rules(thread(probe="probe_blocking").turn(1).stream(1, (10.1, 19), WHOLE))


def test_a_stream_from_the_start_shows_every_mark():
    story = thread().turn(1).stream(1, (10.1, 15), WHOLE[:-1])
    assert "G10.lost_events" in rules(story)


@pytest.mark.parametrize("ending", [Ending.LEFT, Ending.BROKEN])
def test_a_stream_that_was_not_read_to_its_end_need_not_show_every_mark(ending):
    story = thread().turn(1).stream(1, (10.1, 15), WHOLE[:-1], ending=ending)
    assert "G10.lost_events" not in rules(story)


def test_a_stream_that_breaks_by_itself_is_a_warning():
    story = thread().turn(1).stream(1, (10.1, 15), WHOLE[:-1], ending=Ending.BROKEN)
    found = [(each.rule, each.verdict) for each in findings(story)]
    assert found == [("G10.broken", Verdict.WARN)]
    assert not rules(thread().turn(1).stream(1, (10.1, 15), WHOLE[:-1], ending=Ending.LEFT))


def test_a_stream_may_break_when_something_was_done_to_the_server():
    story = thread().turn(1).stream(1, (10.1, 15), WHOLE[:-1], ending=Ending.BROKEN)
    assert not rules(story.fault("kill api", 12))


def test_a_stream_that_says_it_lost_events_is_honest():
    error = frame(14, name="error")
    assert not rules(thread().turn(1).stream(1, (10.1, 15), [*WHOLE[:-1], error]))


def test_a_stream_that_was_joined_later_need_not_show_every_mark():
    story = thread().turn(1).stream(1, (11, 15), WHOLE[3:], from_start=False)
    assert not rules(story)


def test_the_stream_of_a_run_that_asks_shows_every_mark_before_the_question():
    story = thread().message(1, asks=True).wrote(1, *ASKED)
    assert not rules(story.stream(1, (10, 11), events(1, 11)[:4]))
    assert "G10.lost_events" in rules(story.stream(1, (10, 11), events(1, 11)[:3]))


def test_the_stream_of_an_answer_shows_the_answer():
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED)
    story.answer(2, to=1, at=5).wrote(2, "1:answer:2", "1:last")
    assert "G10.lost_events" in rules(story.stream(2, (5, 6), events(2, 5, "1:last")))


def resumed(*frames: Frame, ending: Ending = Ending.CLOSED):
    """A stream that was read whole, and once more after its second event."""
    story = thread().turn(1).stream(1, (10.1, 15), WHOLE)
    more = {"after_id": "2", "endpoint": Endpoint.JOIN, "ending": ending}
    return story.stream(1, (20, 20.5), frames, **more)


def test_a_resumed_stream_has_no_gap():
    assert "G10.gap" in rules(resumed(*WHOLE[3:]))
    assert not rules(resumed(*WHOLE[2:]))


def test_a_resumed_stream_repeats_nothing():
    assert "G10.duplicate" in rules(resumed(*WHOLE[1:]))


def test_a_resumed_stream_that_was_left_is_compared_as_far_as_it_went():
    assert not rules(resumed(*WHOLE[2:4], ending=Ending.LEFT))
    assert "G10.gap" in rules(resumed(*WHOLE[3:4], ending=Ending.LEFT))


def test_a_resumed_stream_that_says_it_lost_events_is_honest():
    error = frame(20, name="error")
    assert not rules(resumed(*WHOLE[3:], error))


def replayed(*frames: Frame, ending: Ending = Ending.CLOSED):
    """A stream that was read whole, and once more from its start."""
    story = thread().turn(1).stream(1, (10.1, 15), WHOLE)
    return story.stream(1, (20, 20.5), frames, endpoint=Endpoint.JOIN, ending=ending)


def test_a_stream_read_again_shows_the_same():
    assert not rules(replayed(*WHOLE))
    assert "G10.gap" in rules(replayed(WHOLE[0], *WHOLE[2:]))
    assert "G10.duplicate" in rules(replayed(*WHOLE, WHOLE[-1]))


def test_a_stream_read_again_and_left_is_compared_as_far_as_it_went():
    assert not rules(replayed(*WHOLE[:3], ending=Ending.LEFT))
    assert "G10.gap" in rules(replayed(*WHOLE[1:3], ending=Ending.LEFT))


def test_who_waits_for_a_run_is_told_that_it_ended():
    timed_out = {"outcome": "info", "error": "timed out"}
    assert "G10.wait_never_ends" in rules(thread().turn(1).join(1, (10.1, 40), **timed_out))
    assert not rules(thread().turn(1).join(1, (10.1, 14), **timed_out))
    assert not rules(thread().turn(1).join(1, (10.1, 15.9), **timed_out))
    assert not rules(thread().turn(1).join(1, (10.1, 40), outcome="info", error="reset"))


@pytest.mark.parametrize("told", [{"status": "interrupted"}, {"failure": "UserInterrupt"}])
def test_who_waits_for_a_success_is_told_of_it(told):
    assert "G10.wait_misled" in rules(thread().turn(1).join(1, (10.1, 15), whole(1), **told))
    assert not rules(thread().turn(1).join(1, (10.1, 15), whole(1), status="success"))


def test_who_waits_for_a_success_gets_all_its_marks():
    assert "G10.wait_misled" in rules(thread().turn(1).join(1, (10.1, 15), whole(1)[:-1]))
    assert not rules(thread().turn(1).turn(2).join(1, (10.1, 15), whole(1, 2)))


def test_who_waits_for_an_answer_gets_what_it_wrote():
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED)
    story.answer(2, to=1, at=5).wrote(2, "1:answer:2", "1:last").seen(2, "success", 6)
    shown = [f"1:{each}" for each in ASKED]
    assert not rules(story.join(2, (5, 6), [*shown, "1:answer:2", "1:last"]))
    assert "G10.wait_misled" in rules(story.join(2, (5, 6), shown))


def test_findings_name_the_time_between_the_ends():
    story = thread().turn(1).stream(1, (10.1, 17), WHOLE)
    found = examinations(story)["G10"].findings
    assert [each.between for each in found] == [(25_010_000_000, 27_000_000_000)]
    assert replaced(found[0], between=None).runs == ("run-1",)
