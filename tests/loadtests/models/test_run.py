import pytest

from harness.histories import ASKED, NAME, thread
from outrigger_loadtests.models.run import FOREVER


def ns(seconds: float) -> int:
    """A moment of a story by the client's clock."""
    return round((seconds + 10) * 1_000_000_000)


def unread(story):
    return story.at_rest(without={"runs"})


def test_a_run_is_possibly_in_flight_from_its_sending():
    run = unread(thread().message(1, at=(10, 12))).run(1)
    assert (run.begin, run.end) == (ns(10), FOREVER)


def test_a_run_is_possibly_in_flight_until_the_first_answer_that_shows_its_end():
    story = thread().message(1, at=10).seen(1, "success", (14, 18)).seen(1, "success", (15, 17))
    assert story.run(1).end == ns(17)


def test_the_list_of_runs_at_rest_shows_an_end_too():
    assert thread().message(1, at=10).run(1).end == ns(101.01)


def test_a_run_that_is_gone_has_ended():
    story = unread(thread().message(1, at=10).seen(1, "running", 11).seen(1, "gone", 12))
    assert story.run(1).end == ns(12.01)


def test_a_run_is_surely_in_flight_from_the_answer_to_the_last_look_that_showed_it_so():
    story = (
        thread().message(1, at=(10, 11)).seen(1, "pending", (12, 13)).seen(1, "running", (14, 20))
    )
    run = story.run(1)
    assert (run.surely_from, run.surely_to) == (ns(11), ns(14))
    assert run.surely_in_flight(ns(11), ns(14))
    assert not run.surely_in_flight(ns(10.9), ns(14))
    assert not run.surely_in_flight(ns(11), ns(14.1))


def test_a_run_that_nobody_saw_in_flight_never_surely_was():
    run = thread().message(1, at=10).seen(1, "success", 12).run(1)
    assert not run.surely_in_flight(ns(10.5), ns(10.5))


def test_a_run_that_did_all_its_work_was_in_flight_as_long_as_that_takes():
    run = thread().message(1, at=10, seconds=4.0).wrote(1).run(1)
    assert run.surely_to == ns(13.6)  # a sleep may end a little early


@pytest.mark.parametrize(
    "story",
    [
        thread().message(1, at=10, seconds=4.0).wrote(1, "input", "first"),
        thread().message(1, at=10, seconds=4.0).wrote(1).ended(1, "interrupted"),
        unread(thread().message(1, at=10, seconds=4.0).wrote(1)),
    ],
    ids=["not whole", "interrupted", "unread"],
)
def test_a_run_that_did_not_do_all_its_work_need_not_have_taken_so_long(story):
    assert story.run(1).surely_to == -1


def test_an_answer_does_not_take_the_time_of_a_message():
    story = thread().message(1, at=1, asks=True).wrote(1, *ASKED).answer(2, to=1, at=5, seconds=4.0)
    assert story.wrote(2, "1:answer:2", "1:last").run(2).surely_to == -1


def test_a_run_of_which_nobody_was_told_is_possibly_in_flight_and_never_surely():
    story = thread().lost(1, "enqueue", (10, 11)).listed(1, "running").seen(1, "running", 20)
    run = story.run(1)
    assert (run.begin, run.end) == (ns(10), FOREVER)
    assert (run.surely_from, run.surely_to) == (FOREVER, -1)
    assert run.possibly_in_flight(ns(50), ns(60))


def test_intervals_that_touch_meet():
    run = thread().message(1, at=(10, 11)).seen(1, "success", (14, 15)).run(1)
    assert run.possibly_in_flight(ns(5), ns(10))
    assert run.possibly_in_flight(ns(15), ns(16))
    assert not run.possibly_in_flight(ns(5), ns(9.9))
    assert not run.possibly_in_flight(ns(15.1), ns(16))


def test_a_message_is_whole_with_all_its_marks_in_order():
    assert thread().message(1).wrote(1).run(1).whole
    assert not thread().message(1).wrote(1, "input", "first", "last").run(1).whole
    assert not thread().message(1).wrote(1, "first", "input", "middle", "last").run(1).whole


def test_a_message_that_asks_is_whole_before_its_last_mark():
    run = thread().message(1, asks=True).wrote(1, *ASKED).run(1)
    assert (run.whole, run.finished) == (True, False)
    assert run.expected_marks == [f"{NAME}-1:{step}" for step in ASKED]


def test_an_answer_is_whole_when_it_counted():
    story = thread().message(1, asks=True).wrote(1, *ASKED).answer(2, to=1).answer(3, to=1)
    story.wrote(2, "1:answer:2", "1:last")
    assert (story.run(2).whole, story.run(3).whole) == (True, False)
    assert story.run(2).expected_marks == [f"{NAME}-1:answer:{NAME}-2", f"{NAME}-1:last"]
    assert story.run(3).expected_marks == []


def test_the_first_end_is_the_one_that_was_known_first():
    story = thread().message(1).seen(1, "error", (12, 19)).seen(1, "success", (13, 14))
    end = story.run(1).first_end
    assert end is not None
    assert (end.status, end.completed) == ("success", ns(14))
    assert unread(thread().message(1).seen(1, "running", 12)).run(1).first_end is None
