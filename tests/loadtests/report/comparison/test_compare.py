import dataclasses

import pytest

from harness.capacities import capacity_report, with_finding
from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.report.capacity_json import CapacityVerdict
from outrigger_loadtests.report.comparison.compare import Exit, Outcome, compare
from outrigger_loadtests.report.comparison.rule import Change
from outrigger_loadtests.report.measures import Measures, Slot, Stretch
from outrigger_loadtests.report.times import bucket_of
from outrigger_loadtests.report.verdict_json import document
from outrigger_loadtests.verdict import Examination, Finding, Verdict

FOUND = {"enqueue": [20.0, 19.4, 20.6], "rollback": [30.0, 31.0, 30.5]}
SLOWER = {"enqueue": [16.0, 15.6, 16.4], "rollback": [30.0, 31.0, 30.5]}
RERUN = {"enqueue": [19.0, 20.2, 19.8], "rollback": [31.0, 29.6, 30.1]}


def capacities(found=FOUND, **parameters):
    return Outcome(document(capacity_report(found, **parameters)), Measures())


def broken(verdict=Verdict.FAIL):
    finding = Finding("G1.lost", "it is lost", "x2a-1", verdict=verdict)
    report = with_finding(capacity_report(FOUND), ("G1", "enqueue"), Examination(50, [finding]))
    return Outcome(document(report), Measures())


def changes(comparison):
    return {each.name: each.change for each in comparison.figures}


def test_a_loss_of_a_fifth_with_one_strategy_is_worse():
    comparison = compare(capacities(), capacities(SLOWER))
    assert comparison.exit_code is Exit.WORSE
    assert changes(comparison) == {
        "capacity enqueue": Change.WORSE,
        "capacity rollback": Change.SAME,
    }


def test_a_rerun_of_the_same_build_is_the_same():
    comparison = compare(capacities(), capacities(RERUN))
    assert comparison.exit_code is Exit.SAME
    assert comparison.doubts == []


def test_runs_that_were_told_different_things_are_not_compared():
    with pytest.raises(UsageError, match="seed 7 and 8") as refused:
        compare(capacities(), capacities(seed=8))
    assert "repeats" not in str(refused.value)
    told = r"seed 7 and 8, behaviour x{39}… and x{39}…"
    with pytest.raises(UsageError, match=told):
        compare(capacities(behaviour="x" * 500), capacities(behaviour="x" * 501, seed=8))


def test_a_check_is_not_compared_with_a_capacity_test(clean_report):
    check = Outcome(document(clean_report), Measures())
    with pytest.raises(UsageError, match="like with like"):
        compare(check, capacities())


def test_a_promise_that_only_the_candidate_breaks_is_worse_than_any_loss():
    comparison = compare(capacities(), broken())
    assert comparison.exit_code is Exit.BROKEN
    assert comparison.broken == ["G1 enqueue"]


def test_a_promise_that_the_base_broke_as_well_is_no_news():
    assert compare(broken(), broken()).exit_code is Exit.SAME
    assert compare(broken(), capacities()).exit_code is Exit.SAME


def test_a_warning_breaks_nothing():
    assert compare(capacities(), broken(Verdict.WARN)).exit_code is Exit.SAME


def test_no_verdict_is_doubt_and_not_the_same(make_report):
    unknown = make_report({("G1", "reject"): Examination(crash="it broke down")})
    check = Outcome(document(make_report()), Measures())
    comparison = compare(check, Outcome(document(unknown), Measures()))
    assert comparison.exit_code is Exit.UNKNOWN
    assert "the candidate came to no verdict" in comparison.doubts


def test_a_run_that_was_stopped_early_is_in_doubt(make_report):
    stopped = Outcome(document(make_report(stopped_early=True)), Measures())
    assert compare(stopped, stopped).exit_code is Exit.UNKNOWN


def test_an_inconclusive_capacity_is_doubt_and_no_number():
    report = capacity_report(FOUND)
    found = [each for each in report.capacity.strategies if each.strategy == "rollback"]
    strategy = struct_replaced(report.capacity.strategies[0], verdict=CapacityVerdict.INCONCLUSIVE)
    capacity = struct_replaced(report.capacity, strategies=(strategy, *found))
    candidate = Outcome(document(dataclasses.replace(report, capacity=capacity)), Measures())
    comparison = compare(capacities(), candidate)
    assert comparison.exit_code is Exit.UNKNOWN
    assert changes(comparison)["capacity enqueue"] is Change.UNKNOWN


def test_a_capacity_test_that_was_told_to_check_no_promise_is_compared_all_the_same():
    base, slower, rerun = (
        Outcome(document(dataclasses.replace(capacity_report(each), examinations={})), Measures())
        for each in (FOUND, SLOWER, RERUN)
    )
    assert compare(base, slower).exit_code is Exit.WORSE
    assert compare(base, rerun).exit_code is Exit.SAME


def test_too_few_repeats_are_doubt_and_counted():
    few = {"enqueue": [20.0, 19.4]}
    comparison = compare(capacities(few), capacities(few))
    assert comparison.exit_code is Exit.UNKNOWN
    assert comparison.doubts == ["capacity enqueue: not known in 2 of 3 repeats"]


def test_a_strategy_that_the_candidate_lacks_is_doubt():
    comparison = compare(capacities(), capacities({"enqueue": FOUND["enqueue"]}))
    assert comparison.exit_code is Exit.UNKNOWN
    assert changes(comparison)["capacity rollback"] is Change.UNKNOWN


def test_a_search_that_found_nothing_has_lost_everything():
    report = capacity_report(FOUND)
    strategy = report.capacity.strategies[0]
    first = struct_replaced(strategy.repeats[0], capacity=None)  # there is no second search
    missed = CapacityVerdict.SLO_MISS
    lost = struct_replaced(strategy, verdict=missed, repeats=(first,), capacity=None)
    capacity = struct_replaced(report.capacity, strategies=(lost, report.capacity.strategies[1]))
    candidate = Outcome(document(dataclasses.replace(report, capacity=capacity)), Measures())
    assert changes(compare(capacities(), candidate))["capacity enqueue"] is Change.WORSE


def struct_replaced(struct, **changed):
    return type(struct)(
        **{**{each: getattr(struct, each) for each in struct.__struct_fields__}, **changed}
    )


def timed(report, milliseconds, swing=1.0):
    """A check in which accepting took so long, in one second more and in the next less."""
    slots = {}
    for second in range(20):
        took = milliseconds * (swing if second // 4 % 2 else 1 / swing)
        bucket = bucket_of(int(took * 1_000_000))
        slots[second] = Slot(times={"accept enqueue": {bucket: 15}, "total enqueue": {bucket: 15}})
    stages = (Stretch("sending", 0, 20 * 10**9),)
    return Outcome(document(report), Measures(slots=slots, stages=stages))


def test_times_of_a_check_are_compared_in_parts_of_its_time(clean_report):
    base, slower, rerun = (timed(clean_report, each) for each in (100, 120, 103))
    assert compare(base, slower).exit_code is Exit.WORSE
    assert changes(compare(base, rerun)) == {"accept enqueue": Change.SAME}
    assert compare(base, rerun).exit_code is Exit.SAME


def test_times_of_a_check_that_swing_are_said_to_and_are_no_failure(clean_report):
    comparison = compare(timed(clean_report, 100, 1.3), timed(clean_report, 110, 1.3))
    assert changes(comparison) == {"accept enqueue": Change.NOISY}
    assert comparison.exit_code is Exit.SAME
