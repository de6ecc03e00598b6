import pytest

from outrigger_loadtests.report.evidence.lines import ELSEWHERE, NAMED, NEAR, Line, excerpt


def lines(ranks):
    return [Line(str(number), rank) for number, rank in enumerate(ranks)]


def test_nothing_is_left_out_when_everything_fits():
    assert excerpt(lines([ELSEWHERE, NEAR, NAMED]), 3, "runs") == ["0", "1", "2"]


def test_what_happened_elsewhere_is_left_out_first():
    ranks = [ELSEWHERE] * 3 + [NAMED] + [ELSEWHERE] * 4 + [NEAR]
    assert excerpt(lines(ranks), 6, "runs") == [
        "  … 3 runs left out",
        "3",
        "  … 4 runs left out",
        "8",
    ]


def test_what_is_named_comes_before_what_is_near_and_in_its_place():
    shown = excerpt(lines([NEAR] * 9 + [NAMED]), 4, "runs")
    assert shown == ["0", "1", "  … 7 runs left out", "9"]


def test_a_single_line_is_never_replaced_by_the_note_that_it_is_missing():
    ranks = [NAMED, ELSEWHERE, NAMED, ELSEWHERE, ELSEWHERE]
    assert excerpt(lines(ranks), 4, "runs") == ["0", "1", "2", "  … 2 runs left out"]


@pytest.mark.parametrize("budget", range(1, 12))
def test_the_budget_holds_and_every_line_is_accounted_for(budget):
    shown = excerpt(lines([NAMED, ELSEWHERE, ELSEWHERE, NEAR] * 25), budget, "runs")
    left_out = [int(each.split()[1]) for each in shown if "left out" in each]
    assert len(shown) <= budget
    assert len(shown) - len(left_out) + sum(left_out) == 100
