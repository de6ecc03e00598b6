import dataclasses

import pytest

from outrigger_loadtests.verdict import Examination, Verdict


@pytest.mark.parametrize(
    ("found_verdicts", "crash", "verdict", "code"),
    [
        ([], "", Verdict.PASS, 0),
        ([Verdict.WARN], "", Verdict.WARN, 0),
        ([Verdict.WARN, Verdict.FAIL], "", Verdict.FAIL, 3),
        ([], "KeyError", Verdict.UNKNOWN, 4),
        ([Verdict.FAIL], "KeyError", Verdict.FAIL, 3),
    ],
)
def test_the_worst_examination_decides_the_verdict_and_the_exit_code(
    make_report, found, found_verdicts, crash, verdict, code
):
    findings = [found(verdict=each) for each in found_verdicts]
    report = make_report({("B2", "rollback"): Examination(1, findings, crash)})
    assert (report.verdict, report.exit_code) == (verdict, code)


@pytest.mark.parametrize("examinations", [{}, {("G1", "reject"): Examination()}])
def test_a_check_that_examined_nothing_is_unknown(make_report, examinations):
    report = make_report(examinations=examinations)
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, 4)


def test_labels_come_in_the_order_of_the_strategies(make_report):
    report = make_report({("G1", "mixed"): Examination(1), ("G1", "another"): Examination(1)})
    assert report.labels == ("reject", "rollback", "mixed", "another")


def test_invariants_come_in_the_order_of_the_promises_and_unpromised_ones_last(make_report):
    report = make_report({("A1", "reject"): Examination(1)})
    assert report.invariants == ("G1", "B2", "R1", "A1")


def test_what_was_not_put_to_the_test_has_no_verdict(clean_report):
    assert clean_report.examination("B2", "rollback").verdict is None
    assert clean_report.verdict_of_invariant("B2") is None
    assert clean_report.verdict_of_label("enqueue") is None
    assert clean_report.verdict_of_label("rollback") is Verdict.PASS


def test_equal_parameters_have_equal_hashes_whatever_their_order(clean_report):
    same = {"duration": 30, "seed": 42, "strategy": "all"}
    other = {**same, "seed": 43}
    parameters_hash = clean_report.parameters_hash
    assert dataclasses.replace(clean_report, parameters=same).parameters_hash == parameters_hash
    assert dataclasses.replace(clean_report, parameters=other).parameters_hash != parameters_hash
    assert parameters_hash == "8f546a33b13f8c39"


def test_any_parameter_can_be_hashed(make_report):
    strange = {"a": "\ud800", "b": float("inf"), "c": 1 << 80, "d": None, "e": True}
    assert len(make_report(parameters=strange).parameters_hash) == 16
