import pytest

from harness.histories import examinations, rules, thread, whole


@pytest.mark.parametrize("name", ["R1", "R2", "R3", "R4", "R5"])
def test_an_empty_thread_gives_nothing_to_examine(name):
    examined = examinations(thread())[name]
    assert (examined.examined, examined.findings) == (0, [])


def test_a_refusal_with_nothing_in_flight_met_nobody():
    assert "R1.nobody_in_flight" in rules(thread().turn(1).refused(2, "reject", 20))
    assert not rules(thread().turn(1).refused(2, "reject", 12))


def test_a_refusal_may_have_met_a_run_whose_create_was_on_its_way():
    story = thread().message(1, at=(10, 14)).wrote(1).refused(2, "reject", (11, 12))
    assert not rules(story)


def test_a_refusal_may_have_met_a_run_that_was_not_seen_to_have_ended():
    story = thread().message(1).wrote(1).seen(1, "success", (14, 16))
    assert not rules(story.refused(2, "reject", (15, 15.5)))


def test_a_refusal_may_have_met_a_run_that_nobody_knows_about():
    story = thread().turn(1).lost(2, "reject", (20, None))
    assert not rules(story.refused(3, "reject", 25))
    early = thread().turn(1).refused(3, "reject", 20).lost(2, "reject", (25, None))
    assert "R1.nobody_in_flight" in rules(early)


def test_nothing_is_accepted_while_a_run_is_in_flight():
    story = thread().turn(1).seen(1, "running", 13).message(2, "reject", at=12).wrote(2)
    assert "R2.accepted_while_busy" in rules(story)


def test_something_is_accepted_when_the_run_may_have_ended_just_before():
    story = thread().turn(1).seen(1, "running", 13).message(2, "reject", at=(12, 14)).wrote(2)
    assert not rules(story)


def test_nothing_is_accepted_while_a_run_must_be_at_work():
    story = thread().turn(1, seconds=4.0).message(2, "reject", at=12).wrote(2)
    assert "R2.accepted_while_busy" in rules(story)


def at_once(*accepted: int, count: int = 3):
    """Rejects that were sent at the same moment to an idle thread."""
    story = thread()
    for number in range(1, count + 1):
        if number in accepted:
            story.message(number, "reject", at=(10, 10.5), together="g").wrote(number)
        else:
            story.refused(number, "reject", (10, 10.5), together="g")
    return story


def test_one_of_many_sent_together_is_accepted():
    assert not rules(at_once(2))


def test_when_nobody_of_many_is_accepted_nobody_won():
    assert "R3.nobody_won" in rules(at_once())


def test_nobody_needs_to_win_when_a_run_may_be_in_flight():
    story = at_once().message(9, at=9).wrote(9).seen(9, "success", 11)
    assert not rules(story)


def test_two_that_are_in_flight_at_the_same_time_did_not_both_win():
    story = at_once(1, 2).seen(1, "running", 12).seen(2, "running", 12)
    assert "R3.two_winners" in rules(story)


def test_a_second_one_may_win_when_the_first_may_have_ended():
    assert not rules(at_once(1, 2).seen(1, "success", 11).seen(2, "running", 12))


@pytest.mark.parametrize(
    "tell",
    [
        lambda story: story.state(12, *whole(1), "2:input"),
        lambda story: story.status("busy", 12, "2:input"),
        lambda story: story.at_rest(mentions={"state": ["2"]}),
        lambda story: story.at_rest(mentions={"history": ["2"]}),
        lambda story: story.at_rest(mentions={"thread": ["2"]}),
        lambda story: story.message(3).wrote(3, "2:first"),
        lambda story: story.listed(2, "pending"),
    ],
    ids=["state", "values", "last state", "last history", "last values", "history", "runs"],
)
def test_a_refused_message_leaves_a_trace_nowhere(tell):
    assert "R4.trace" in rules(tell(thread().turn(1).refused(2, "reject", 11)))


@pytest.mark.parametrize("code", [404, 422])
def test_a_busy_thread_refuses_with_409(code):
    assert "R1.wrong_code" in rules(thread().turn(1).refused(2, "reject", 12, code=code))
    assert not rules(thread().turn(1).refused(2, "reject", 12, code=409))


@pytest.mark.parametrize("code", [0, 429])
def test_what_had_no_room_or_was_never_sent_is_no_refusal(code):
    assert not rules(thread().turn(1).refused(2, "reject", 20, code=code))


def test_no_run_is_made_of_a_refused_message():
    story = thread().turn(1).refused(2, "reject", 11)
    assert not rules(story)
    assert "R5.run_made" in rules(story.listed(2, "interrupted"))


def test_a_run_that_says_nothing_of_its_message_is_made_of_a_refused_one():
    story = thread().turn(1).refused(2, "reject", 11).listed(2, "interrupted", token="")
    assert "R5.run_made" in rules(story)
    assert "R5.run_made" not in rules(story.lost(3, "reject", (11, None)))


def test_a_refusal_cuts_nobody():
    story = thread().message(1).wrote(1, "input").ended(1, "interrupted")
    story.refused(2, "reject", 11)
    assert "R5.run_cut" in rules(story)
    assert not rules(story.cancel(1, 12))
