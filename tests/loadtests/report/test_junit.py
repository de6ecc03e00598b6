import dataclasses
from xml.etree import ElementTree as ET

from msgspec.structs import replace

from harness.capacities import capacity_report
from outrigger_loadtests.report.capacity_json import CapacityVerdict
from outrigger_loadtests.report.junit import junit_xml
from outrigger_loadtests.verdict import Examination, Verdict


def read(report):
    return ET.fromstring(junit_xml(report))


def case(root, suite, name):
    (found_,) = [
        each
        for each in root.iterfind(f"testsuite[@name='double-texting.{suite}']/testcase")
        if each.get("name").startswith(f"{name} ")
    ]
    return found_


def counts(element):
    return tuple(int(element.get(name)) for name in ("tests", "failures", "errors", "skipped"))


def test_there_is_a_suite_per_label_and_a_case_per_invariant(clean_report):
    root = read(clean_report)
    assert [suite.get("name") for suite in root] == [
        "double-texting.reject",
        "double-texting.rollback",
    ]
    names = [each.get("name") for each in root[0].iterfind("testcase")]
    assert names == ["G1 an accepted run ends", "B2 nothing is left", "R1 a 409 has a reason"]
    assert {each.get("classname") for each in root[0].iterfind("testcase")} == {
        "double-texting.reject"
    }


def test_what_was_not_put_to_the_test_is_skipped_and_what_holds_is_empty(clean_report):
    root = read(clean_report)
    assert case(root, "reject", "B2").find("skipped").get("message") == "not put to the test"
    assert len(case(root, "reject", "G1")) == 0
    assert counts(root[0]) == (3, 0, 0, 1)
    assert counts(root) == (6, 0, 0, 3)
    assert root.get("time") == "12.340"


def test_a_failure_has_the_message_the_rule_and_the_beginning_of_the_timeline(make_report, found):
    timeline = "\n".join(f"line {number}" for number in range(100))
    findings = [found(thread="a", message=f"m{number}") for number in range(9)]
    report = make_report({("B2", "rollback"): Examination(9, findings)}, timelines={"a": timeline})
    root = read(report)
    failure = case(root, "rollback", "B2").find("failure")
    assert failure.get("message") == "m0 (and 8 more)"
    assert failure.get("type") == "B2.state_left"
    assert "B2.state_left: m4 [thread a]" in failure.text
    assert "… 4 findings left out" in failure.text
    assert "line 38\n… 61 lines left out" in failure.text
    assert counts(root) == (6, 1, 0, 2)


def test_an_unknown_is_an_error(make_report, found):
    results = {
        ("B2", "rollback"): Examination(crash="KeyError: 'x'"),
        ("B2", "reject"): Examination(1, [found(verdict=Verdict.UNKNOWN, message="who knows")]),
    }
    root = read(make_report(results))
    crashed = case(root, "rollback", "B2").find("error")
    assert crashed.get("message") == "the check broke down: KeyError: 'x'"
    assert case(root, "reject", "B2").find("error").get("message") == "who knows"
    assert counts(root) == (6, 0, 2, 1)


def test_a_failure_also_tells_that_the_check_broke_down(make_report, found):
    examination = Examination(1, [found()], crash="KeyError")
    element = case(read(make_report({("B2", "reject"): examination})), "reject", "B2")
    assert [each.tag for each in element] == ["failure"]
    assert "the check broke down: KeyError" in element.find("failure").text


def test_a_warning_passes_and_names_the_leniency(make_report, found):
    findings = [found(verdict=Verdict.WARN, reason="it says so")] * 3
    root = read(make_report({("B2", "rollback"): Examination(3, findings)}))
    element = case(root, "rollback", "B2")
    assert [each.tag for each in element] == ["system-out"]
    assert element.find("system-out").text == "WARN B2.state_left, 3 findings: it says so"
    assert counts(root) == (6, 0, 0, 2)


def test_a_suite_knows_the_parameters_and_how_to_do_it_again(clean_report):
    properties = {each.get("name"): each.get("value") for each in read(clean_report)[0][0]}
    assert properties["parameter.seed"] == "42"
    assert properties["server"] == "1.2.3"
    assert properties["repeat"] == clean_report.repeat


def test_a_check_of_nothing_is_an_error_and_no_pass(make_report):
    root = read(make_report(examinations={}, counts={}, notes=("nobody answered",)))
    assert counts(root) == (1, 0, 1, 0)
    assert root.find("testsuite/testcase/error").text == "nobody answered"


def test_hostile_text_is_well_formed_and_stays_text(hostile_report):
    root = read(hostile_report)
    failure = case(root, "rollback", "B2").find("failure")
    assert failure.get("message").startswith("<b>]]>&\\x1b[31m|")
    assert "\\ud800" in failure.text
    assert len(failure) == 0


def test_ten_thousand_findings_stay_small(make_report, many_findings):
    assert len(junit_xml(make_report({("B2", "rollback"): many_findings}))) < 10_000


def test_a_capacity_test_has_a_case_for_each_strategy():
    report = capacity_report({"enqueue": [20.0, 19.4, 21.0], "rollback": [30.0, 29.0, 31.0]})
    good, missed = report.capacity.strategies
    missed = replace(missed, verdict=CapacityVerdict.SLO_MISS, reason="no load held")
    capacity = replace(report.capacity, strategies=(good, missed))
    suite = read(dataclasses.replace(report, capacity=capacity)).find("testsuite[@name='capacity']")
    assert counts(suite) == (2, 1, 0, 0)
    enqueue, rollback = suite
    assert (enqueue.get("name"), len(enqueue)) == ("enqueue is measured", 0)
    assert rollback.find("failure").get("message") == "no load held"


def test_a_capacity_test_without_any_strategy_is_an_error_and_no_pass():
    report = capacity_report({})
    capacity = replace(report.capacity, verdict=CapacityVerdict.INCONCLUSIVE)
    report = dataclasses.replace(report, capacity=capacity, notes=("the generator cannot keep up",))
    (suite,) = read(report)
    assert counts(suite) == (1, 0, 1, 0)
    assert suite[0].find("error").get("message") == "the generator cannot keep up"
