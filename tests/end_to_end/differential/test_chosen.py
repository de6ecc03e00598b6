"""The table of meant differences: covers no more than it says, and says nothing in vain."""

import pytest

from harness.differential.cases.every import CASES
from harness.differential.chosen import Chosen, first_covering, outdated, unlisted
from harness.differential.compare import Difference
from harness.differential.meant import DECISIONS, MEANT

DIFFERENCE = Difference("runs/list", 3, "body.detail", "[1] is wrong", "wrong")


@pytest.mark.parametrize(
    "line",
    [
        Chosen("why", "*", "*"),
        Chosen("why", "runs/*", "body"),
        Chosen("why", "runs/list", "body.detail", step=3),
        Chosen("why", "runs/list", "body.detail", official="[1] is *", ours="wrong"),
    ],
)
def test_a_line_covers_what_it_says(line: Chosen) -> None:
    assert unlisted([DIFFERENCE], [line]) == []
    assert outdated([DIFFERENCE], [line]) == []


@pytest.mark.parametrize(
    "line",
    [
        Chosen("why", "threads/*", "*"),
        Chosen("why", "runs/list", "body.det"),
        Chosen("why", "runs/list", "body.detail.more"),
        Chosen("why", "runs/list", "body.detail", step=2),
        Chosen("why", "runs/list", "body.detail", official="1 is wrong"),
        Chosen("why", "runs/list", "body.detail", ours="right"),
    ],
)
def test_a_line_covers_no_more(line: Chosen) -> None:
    assert unlisted([DIFFERENCE], [line]) == [DIFFERENCE]
    assert outdated([DIFFERENCE], [line]) == [line]


def test_the_first_line_that_fits_is_the_reason() -> None:
    lines = [
        Chosen("one", "threads/*", "*"),
        Chosen("two", "runs/*", "*"),
        Chosen("three", "*", "*"),
    ]
    assert first_covering(DIFFERENCE, lines) == lines[1]


def test_every_line_follows_a_decision_and_every_decision_has_a_line() -> None:
    assert {line.decision for line in MEANT} == set(DECISIONS)
    assert len(set(MEANT)) == len(MEANT)


def test_every_case_has_a_title_of_its_own() -> None:
    titles = [case.title for case in CASES]
    assert len(set(titles)) == len(titles)
    assert sum(len(case.steps) for case in CASES) >= 150
