"""What a fault excuses: with it nothing is found, without it, or with another one, all of it is."""

from collections.abc import Callable

import pytest

from harness.histories import Story, events, findings, frame, rules, thread
from outrigger_loadtests.faults.kinds import KINDS, kind_named
from outrigger_loadtests.history.operations import Ending, Endpoint

WHOLE = events(1, 12)
LOST = frame(13, name="metadata", run_id="run-1", lost=True)
NAMES = tuple(kind.name for kind in KINDS)
STARTS_AGAIN = {
    "kill worker",
    "pause worker",
    "terminate worker",
    "restart postgres",
    "kill server",
}


def called(value: object) -> str | None:
    """The name of a story in that of its test; the same in every process."""
    return getattr(value, "__name__", None)


def requeued() -> Story:
    return thread().turn(1).seen(1, "running", 11).seen(1, "pending", 12)


def broken() -> Story:
    return thread().turn(1).stream(1, (10.1, 13), WHOLE[:-1], ending=Ending.BROKEN)


def lossy() -> Story:
    return thread().turn(1).stream(1, (10.1, 15), [*WHOLE[:2], LOST])


def lossy_when_read_again() -> Story:
    story = thread().turn(1).stream(1, (10.1, 15), WHOLE)
    again = {"after_id": "2", "endpoint": Endpoint.JOIN}
    return story.stream(1, (14, 15.5), [LOST, *WHOLE[4:]], **again)


def late_start() -> Story:
    return thread().message(1, at=10).wrote(1, at=[16, 17, 18, 19])


def cut() -> Story:
    story = thread().message(1, "interrupt", at=10, seconds=9).wrote(1, "input")
    return story.ended(1, "interrupted").message(2, "interrupt", at=11).wrote(2)


def ran_on() -> Story:
    return cut().seen(1, "running", 15)


def succeeded_late() -> Story:
    story = thread().message(1, at=10, seconds=8.0).wrote(1)
    return story.message(2, "interrupt", at=11).wrote(2)


def told_late() -> Story:
    story = cut().seen(1, "interrupted", 13)
    return story.join(1, (10, 15), ["1:input"], failure="UserInterrupt")


def never_told() -> Story:
    return cut().seen(1, "interrupted", 13).silent(1, (10, 15))


def ends_late() -> Story:
    return thread().turn(1).stream(1, (10.1, 17), WHOLE)


def never_ends() -> Story:
    return thread().turn(1).silent(1, (10.1, 17))


def waits_for_ever() -> Story:
    return thread().turn(1).join(1, (10.1, 17), outcome="info", error="timed out")


EXCUSED = [
    (requeued, "G9.went_back", STARTS_AGAIN),
    (broken, "G10.broken", {"kill api", "slow network", "kill server"}),
    (lossy, "G10.lost_events", {"restart redis", "kill server"}),
    (lossy_when_read_again, "G10.gap", {"restart redis", "kill server"}),
]
LATE = [
    (late_start, "E6.late_start"),
    (ran_on, "I2.ran_on"),
    (succeeded_late, "I2.ran_on"),
    (told_late, "I8.end_late"),
    (never_told, "I8.never_end"),
    (ends_late, "G10.ends_late"),
    (never_ends, "G10.never_ends"),
    (waits_for_ever, "G10.wait_never_ends"),
]


@pytest.mark.parametrize(("story", "rule", "kinds"), EXCUSED, ids=called)
def test_only_the_kinds_that_explain_it_excuse_it(
    story: Callable[[], Story], rule: str, kinds: set[str]
) -> None:
    assert rule in rules(story())
    excused = {name for name in NAMES if rule not in rules(story().fault(name, 11.5))}
    assert excused == kinds
    assert all(not rules(story().fault(name, 11.5)) for name in kinds)


@pytest.mark.parametrize(("story", "rule"), LATE, ids=called)
@pytest.mark.parametrize("name", NAMES)
def test_time_around_a_fault_does_not_count(
    story: Callable[[], Story], rule: str, name: str
) -> None:
    assert rule in rules(story())
    assert not rules(story().fault(name, 11.5))


@pytest.mark.parametrize(
    ("story", "rule"), [*((each, rule) for each, rule, _ in EXCUSED), *LATE], ids=called
)
def test_nothing_is_excused_by_what_is_not_known_or_was_over_long_ago(
    story: Callable[[], Story], rule: str
) -> None:
    assert rule in rules(story().fault("kill wroker", (9, 20)))
    for name in NAMES:
        assert rule in rules(story().fault(name, -8.0))
        assert rule in rules(story().fault(name, 40.0))


def test_only_the_time_around_the_fault_does_not_count():
    recovery = kind_named("restart redis").recovery
    late = thread().turn(1).stream(1, (10.1, 15 + recovery + 2.3), WHOLE)
    assert not rules(late.fault("restart redis", (16.0, 17.5)))
    later = thread().turn(1).stream(1, (10.1, 15 + recovery + 2.3), WHOLE)
    assert "G10.ends_late" in rules(later.fault("restart redis", (16.0, 16.5)))


def test_time_that_lies_around_two_faults_is_taken_off_once():
    late = thread().turn(1).stream(1, (10.1, 40), WHOLE)
    for moment in (16.0, 17.0, 18.0):
        late.fault("restart redis", moment)
    assert "G10.ends_late" in rules(late)


def test_a_run_that_was_created_before_the_fault_may_start_late_on_the_servers_clock():
    late = thread().message(1, at=(10, 11), created=10.5).wrote(1, at=[21, 22, 23, 24])
    assert not rules(late.fault("pause worker", (12, 13)))
    far = thread().message(1, at=(10, 11), created=10.5).wrote(1, at=[51, 52, 53, 54])
    assert "E6.late_start" in rules(far.fault("pause worker", (12, 13)))


def test_events_that_are_missing_unsaid_are_a_gap_under_every_fault():
    for name in NAMES:
        silent = thread().turn(1).stream(1, (10.1, 15), WHOLE[:2]).fault(name, 12)
        assert "G10.lost_events" in rules(silent)
        again = thread().turn(1).stream(1, (10.1, 15), WHOLE).fault(name, 12)
        more = {"after_id": "2", "endpoint": Endpoint.JOIN}
        assert "G10.gap" in rules(again.stream(1, (14, 15.5), WHOLE[3:], **more))


def test_events_that_are_said_to_be_missing_are_missed_without_a_fault():
    assert "G10.lost_events" in rules(lossy())


def test_events_said_to_be_lost_are_no_reason_why_a_stream_ends():
    told = [*events(1, 10.5, "1:input"), LOST]
    for name in ("", *NAMES):
        story = cut().seen(1, "interrupted", 13).stream(1, (10.1, 13.5), told)
        assert "I8.no_reason" in rules(story.fault(name or "nothing", 12))


def test_a_success_told_to_a_victims_reader_is_found_under_every_fault():
    for name in NAMES:
        story = cut().join(1, (10, 12), ["1:input"], status="success").fault(name, 11)
        assert "I8.saw_success" in rules(story)


UNFORGIVEN: dict[str, Callable[[], Story]] = {
    "G1.lost": lambda: thread().message(1).ended(1, "gone"),
    "G1.failed": lambda: thread().message(1).wrote(1, "input").ended(1, "error"),
    "G1.never_ended": lambda: thread().message(1).wrote(1, "input").ended(1, "running"),
    "G2.busy_at_rest": lambda: thread().turn(1).at_rest(status="busy"),
    "G3.fork": lambda: thread().turn(1).message(2).wrote(2, after="c3"),
    "G4.second_writer": lambda: (
        thread().message(1).message(2).wrote(1, "input").wrote(2).wrote(1, "first", "middle")
    ),
    "G6.twice": lambda: thread().message(1).wrote(1, "input", "input", "first", "middle", "last"),
    "G9.changed": lambda: thread().turn(1).seen(1, "error", 16),
    "G10.duplicate": lambda: (
        thread()
        .turn(1)
        .stream(1, (10.1, 15), WHOLE)
        .stream(1, (14, 15.5), WHOLE[1:], after_id="2", endpoint=Endpoint.JOIN)
    ),
    "G10.wait_misled": lambda: thread().turn(1).join(1, (10.1, 15), failure="StoreUnavailable"),
    "E1.no_success": lambda: thread().message(1).wrote(1, "input").ended(1, "interrupted"),
    "E1.refused": lambda: thread().refused(1, "enqueue", 10),
}


@pytest.mark.parametrize("rule", UNFORGIVEN)
def test_what_no_fault_explains_is_found_under_every_fault(rule: str) -> None:
    assert rule in rules(UNFORGIVEN[rule]())
    for name in NAMES:
        story = UNFORGIVEN[rule]().fault(name, (9.0, 100.0))
        assert rule in rules(story)
        assert {each.verdict for each in findings(story) if each.rule == rule} == {"FAIL"}
