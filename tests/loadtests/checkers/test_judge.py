from dataclasses import replace

from harness.histories import rules, thread
from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.checkers.judge import judge
from outrigger_loadtests.profiles import OUTRIGGER, Bounds
from outrigger_loadtests.verdict import Verdict


def breaks_down(case: Case) -> None:
    case.examined()
    message = "a bug of the checker"
    raise LookupError(message)


def finds_first(case: Case) -> None:
    case.found("way", "something is wrong")
    breaks_down(case)


def is_fine(case: Case) -> None:
    case.examined(3)


def test_a_check_that_breaks_down_is_unknown_and_the_others_are_judged_all_the_same():
    invariants = [Invariant("G1", "", breaks_down), Invariant("G2", "", is_fine)]
    results = judge(thread().read(), OUTRIGGER, invariants)
    assert results["G1"].crash == "x1-1: LookupError: a bug of the checker"
    assert results["G1"].verdict is Verdict.UNKNOWN
    assert (results["G2"].verdict, results["G2"].examined) == (Verdict.PASS, 3)


def test_what_a_check_found_before_it_broke_down_counts():
    results = judge(thread().read(), OUTRIGGER, [Invariant("G1", "", finds_first)])
    assert results["G1"].verdict is Verdict.FAIL


def test_a_thread_on_which_the_check_breaks_down_spoils_a_pass_on_another():
    broken = Invariant(
        "G1", "", lambda case: breaks_down(case) if case.thread.runs else is_fine(case)
    )
    first, second = (
        judge(each.read(), OUTRIGGER, [broken]) for each in (thread(), thread().turn(1))
    )
    first["G1"].add(second["G1"])
    assert first["G1"].verdict is Verdict.UNKNOWN


def test_every_invariant_has_a_result():
    assert list(judge(thread().read(), OUTRIGGER, INVARIANTS)) == [each.name for each in INVARIANTS]


def test_bounds_are_longer_where_the_client_itself_stood_still():
    case = Case("G1", thread().turn(1).stalled(11, 13).stalled(500, 600).read(), OUTRIGGER)
    assert case.bounds == Bounds(3.0, 5.5, 3.0, 7.0, 3.0)


def test_bounds_are_those_of_the_profile_where_nothing_stood_still():
    case = Case("G1", thread().read(), replace(OUTRIGGER, bounds=Bounds(cut=9.0)))
    assert case.bounds == Bounds(cut=9.0)


def test_a_rule_that_nobody_promised_is_not_looked_at():
    story = thread().message(1).ended(1, "error")
    assert "G1.failed" not in rules(story, replace(OUTRIGGER, unpromised=frozenset({"G1.failed"})))
