"""The checker checks itself: a server with one bug is caught, by the promise that it breaks."""

from collections.abc import Iterator, Sequence

import pytest

from fakes.graph_server.bugs import Bug
from harness.simulated import converse, judged, plans
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.history.operations import AnyOperation
from outrigger_loadtests.verdict import Verdict

SEED = 3
MOST_CONVERSATIONS = 400
CONTRACT = [
    *(f"G{number}" for number in range(1, 13)),
    *(f"R{number}" for number in range(1, 6)),
    *(f"E{number}" for number in range(1, 7)),
    *(f"I{number}" for number in range(1, 9)),
    *(f"B{number}" for number in range(1, 7)),
    "X1",
    *(f"C{number}" for number in range(1, 5)),
    "H1",
]


def conversations_with(bug: Bug) -> Iterator[Sequence[AnyOperation]]:
    for number in range(MOST_CONVERSATIONS):
        yield converse(plans(SEED, [number]), number, frozenset({bug}))[0]


def is_found(bug: Bug, switched_off: str = "") -> bool:
    """Whether the bug's invariant is among the findings, within so many conversations."""
    invariants = [each for each in INVARIANTS if each.name != switched_off]
    for operations in conversations_with(bug):
        examination = judged([operations], invariants).get(bug.invariant)
        if examination and any(each.verdict is Verdict.FAIL for each in examination.findings):
            return True
    return False


def test_the_catalogue_is_the_contract() -> None:
    assert [each.name for each in INVARIANTS] == CONTRACT


def test_every_invariant_has_a_bug_that_breaks_it() -> None:
    assert {bug.invariant for bug in Bug} == set(CONTRACT)


@pytest.mark.parametrize("bug", Bug, ids=lambda bug: bug.name.lower())
def test_a_bug_is_found_by_the_invariant_it_breaks(bug: Bug) -> None:
    assert is_found(bug), f"{bug.fault}: {bug.invariant} found nothing"


@pytest.mark.parametrize("bug", [Bug.WAKEUP_LOST, Bug.TWO_WINNERS, Bug.OLD_START])
def test_nobody_else_speaks_for_an_invariant_that_is_switched_off(bug: Bug) -> None:
    assert is_found(bug)
    first = next(iter(conversations_with(bug)))
    assert bug.invariant not in judged(
        [first], [each for each in INVARIANTS if each.name != bug.invariant]
    )
