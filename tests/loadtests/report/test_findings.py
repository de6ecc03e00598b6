from outrigger_loadtests.report.findings import TIMELINES, crashes, evidence, groups, total
from outrigger_loadtests.verdict import Examination, Verdict


def test_ten_thousand_findings_of_a_rule_are_one_group_with_five_examples(
    make_report, many_findings
):
    report = make_report({("B2", "rollback"): many_findings})
    group, other = groups(report)
    assert (group.rule, group.total, group.threads) == ("B2.state_left", 10_000, 5_000)
    assert (len(group.examples), group.left_out) == (5, 9_995)
    assert (other.rule, other.total) == ("B2.other", 1)
    assert total(report) == 10_001


def test_examples_stand_on_different_threads_as_long_as_there_are_any(make_report, found):
    several = [found(thread="a", message=f"a{number}") for number in range(9)] + [found(thread="b")]
    (group,) = groups(make_report({("B2", "rollback"): Examination(9, several)}))
    assert [each.finding.thread for each in group.examples] == ["a", "b", "a", "a", "a"]


def test_a_group_spans_labels_and_counts_them(make_report, found):
    results = {
        ("B2", "rollback"): Examination(2, [found()]),
        ("B2", "mixed"): Examination(2, [found(), found()]),
    }
    (group,) = groups(make_report(results))
    assert group.labels == {"rollback": 1, "mixed": 2}
    assert [each.label for each in group.examples] == ["rollback", "mixed", "mixed"]


def test_failures_come_before_the_unknown_and_warnings_and_then_in_the_order_of_promises(
    make_report, found
):
    results = {
        ("G1", "reject"): Examination(1, [found("G1.a", verdict=Verdict.WARN)]),
        ("B2", "reject"): Examination(1, [found("B2.a"), found("B2.b", verdict=Verdict.UNKNOWN)]),
        ("R1", "reject"): Examination(1, [found("R1.a")]),
    }
    assert [group.rule for group in groups(make_report(results))] == [
        "B2.a",
        "R1.a",
        "B2.b",
        "G1.a",
    ]


def test_every_rule_has_evidence_before_any_has_more(make_report, found):
    first = [found("B2.first", f"a{number}") for number in range(50)]
    second = [found("B2.second", f"b{number}") for number in range(50)]
    report = make_report({("B2", "rollback"): Examination(50, first + second)})
    assert list(evidence(report, 3)) == ["a0", "b0", "a1"]
    assert len(evidence(report)) == 10 <= TIMELINES


def test_the_evidence_of_a_thread_names_all_that_was_found_on_it(make_report, found):
    results = [found("B2.first", "a"), found("B2.second", "a")]
    report = make_report({("B2", "rollback"): Examination(2, results)})
    assert evidence(report) == {"a": results}


def test_a_clean_report_has_no_evidence(clean_report):
    assert (groups(clean_report), evidence(clean_report), crashes(clean_report)) == ([], {}, [])


def test_a_crash_is_told_with_its_invariant_and_label(make_report):
    (crash,) = crashes(make_report({("B2", "rollback"): Examination(crash="KeyError: 'x'")}))
    assert (crash.invariant, crash.label, crash.error) == ("B2", "rollback", "KeyError: 'x'")
