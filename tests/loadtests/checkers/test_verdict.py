from itertools import permutations

import pytest

from outrigger_loadtests.verdict import Examination, Finding, Verdict, worst


def found(verdict: Verdict = Verdict.FAIL) -> Finding:
    return Finding("G1.failed", "", "x1-1", verdict=verdict)


@pytest.mark.parametrize("verdicts", list(permutations(Verdict)))
def test_the_worst_wins_in_any_order(verdicts):
    assert worst(verdicts) is Verdict.FAIL


def test_unknown_is_never_a_pass_and_never_only_a_warning():
    assert worst([Verdict.PASS, Verdict.UNKNOWN]) is Verdict.UNKNOWN
    assert worst([Verdict.WARN, Verdict.UNKNOWN]) is Verdict.UNKNOWN


def test_a_warning_is_worse_than_a_pass():
    assert worst([Verdict.PASS, Verdict.WARN]) is Verdict.WARN


def test_the_worst_of_nothing_is_a_pass():
    assert worst([]) is Verdict.PASS


def test_what_was_not_examined_has_no_verdict():
    assert Examination().verdict is None
    assert Examination(examined=1).verdict is Verdict.PASS


def test_a_finding_counts_also_where_nothing_was_examined():
    assert Examination(findings=[found()]).verdict is Verdict.FAIL


def test_a_crash_is_unknown_and_what_was_found_before_still_counts():
    assert Examination(examined=5, crash="KeyError").verdict is Verdict.UNKNOWN
    assert Examination(findings=[found(Verdict.WARN)], crash="x").verdict is Verdict.UNKNOWN
    assert Examination(findings=[found()], crash="x").verdict is Verdict.FAIL


def test_examinations_add_up():
    total = Examination(2)
    total.add(Examination(3, [found()]))
    total.add(Examination(crash="first"))
    total.add(Examination(crash="second"))
    assert (total.examined, len(total.findings), total.crash) == (5, 1, "first")


def test_a_finding_names_its_invariant():
    assert found().invariant == "G1"
