from dataclasses import fields, replace

import pytest

from harness.histories import findings, frame, rules, thread
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.profiles import (
    AEGRA,
    GENERIC,
    OFFICIAL,
    OUTRIGGER,
    PROFILES,
    Bounds,
    Leniency,
    profile_named,
)
from outrigger_loadtests.verdict import Verdict

NAMES = {each.name for each in INVARIANTS}
LENIENT = [(profile, each) for profile in PROFILES for each in profile.leniencies]


def lenient(rule: str, **rest):
    return replace(OUTRIGGER, leniencies=(Leniency(rule, "it says so", **rest),))


def verdicts(story, profile) -> dict[str, tuple[Verdict, str]]:
    return {each.rule: (each.verdict, each.reason) for each in findings(story, profile)}


def two_faults(probe: str = "probe_async"):
    """A run that nobody interrupted is, and its thread is left busy."""
    story = thread(probe).message(1, "reject").wrote(1, "input").ended(1, "interrupted")
    return story.at_rest(status="busy")


@pytest.mark.parametrize("rule", ["G1", "G1.cut_by_nobody"])
def test_a_leniency_for_an_invariant_or_a_rule_turns_a_failure_into_a_warning(rule):
    judged = verdicts(two_faults(), lenient(rule))
    assert judged["G1.cut_by_nobody"] == (Verdict.WARN, "it says so")
    assert judged["G2.busy_at_rest"] == (Verdict.FAIL, "")


def test_a_leniency_for_another_rule_of_the_invariant_changes_nothing():
    judged = verdicts(two_faults(), lenient("G1.failed"))
    assert judged["G1.cut_by_nobody"] == (Verdict.FAIL, "")


def test_a_leniency_never_makes_what_is_unknown_better():
    story = thread().turn(1).at_rest(without={"history"})
    assert verdicts(story, lenient("G2"))["G2.unread"][0] is Verdict.UNKNOWN


def test_what_follows_from_a_leniency_on_the_same_thread_is_forgiven():
    judged = verdicts(two_faults(), lenient("G1", follows=frozenset({"G2"})))
    assert judged["G2.busy_at_rest"] == (Verdict.WARN, "follows from G1: it says so")


def test_what_would_follow_is_not_forgiven_where_nothing_was_found_that_it_follows_from():
    story = thread().turn(1).at_rest(status="busy")
    judged = verdicts(story, lenient("G1", follows=frozenset({"G2"})))
    assert judged["G2.busy_at_rest"] == (Verdict.FAIL, "")


def test_a_leniency_for_prompt_graphs_forgives_no_other():
    profile = lenient("G1", prompt_only=True, follows=frozenset({"G2"}))
    prompt, other = two_faults(), two_faults("probe_swallow")
    assert {each for each, _ in verdicts(prompt, profile).values()} == {Verdict.WARN}
    assert {each for each, _ in verdicts(other, profile).values()} == {Verdict.FAIL}


def test_the_api_promises_no_reason_to_the_readers_of_a_victim():
    story = thread().message(1, at=10).wrote(1, "input").message(2, "interrupt", at=12).wrote(2)
    story.ended(1, "interrupted").stream(1, (10, 13), [frame(11, "1:input")])
    assert "I8.no_reason" in rules(story, OUTRIGGER)
    assert not any(rules(story, each) for each in (OFFICIAL, AEGRA, GENERIC))


def test_the_api_does_not_promise_what_a_thread_shows_at_rest():
    story = thread().turn(1).at_rest(status="interrupted")
    assert "G2.wrong_status" in rules(story, OUTRIGGER)
    assert not any(rules(story, each) for each in (OFFICIAL, AEGRA, GENERIC))


def test_ours_forgives_nothing():
    assert (OUTRIGGER.leniencies, OUTRIGGER.unpromised) == ((), frozenset())


def test_the_generic_profile_forgives_nothing_either():
    assert GENERIC.leniencies == ()


@pytest.mark.parametrize(("profile", "leniency"), LENIENT)
def test_every_leniency_gives_a_reason_and_names_invariants_that_are_there(profile, leniency):
    assert leniency.reason
    assert {leniency.rule.partition(".")[0], *leniency.follows} <= NAMES


@pytest.mark.parametrize(("profile", "leniency"), LENIENT)
def test_every_leniency_of_a_profile_is_found_by_it(profile, leniency):
    assert profile.leniency(leniency.rule, prompt=True) is not None


def test_no_profile_is_stricter_than_ours():
    for profile in PROFILES:
        for each in fields(Bounds):
            ours = getattr(OUTRIGGER.bounds, each.name)
            assert getattr(profile.bounds, each.name) >= ours


def test_bounds_are_extended_all_alike():
    assert Bounds().extended(2.0) == Bounds(3.0, 5.5, 3.0, 7.0, 3.0)
    assert Bounds().extended(0.0) == Bounds()


def test_profiles_are_found_by_name():
    assert [profile_named(each.name) for each in PROFILES] == list(PROFILES)


def test_a_profile_that_is_not_there_is_a_usage_error_that_names_the_others():
    with pytest.raises(UsageError, match="'nope' is not known; it is one of outrigger, official"):
        profile_named("nope")
