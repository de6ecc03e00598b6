"""Who would be in the middle of a conversation is, at the place where he would be."""

import pytest

from harness.stages import ONE_RUN, order
from outrigger_loadtests.behaviour.file import shipped
from outrigger_loadtests.generator.stage import BEFORE
from outrigger_loadtests.generator.steady import people_before, rest_of, seconds_of
from outrigger_loadtests.scenarios.people import People

PEOPLE = People(shipped("default"), 7)
PLAN = next(
    plan
    for plan in (PEOPLE.plan(number, "enqueue", "probe_async") for number in range(100))
    if len(plan.rounds) == 4
)


def test_who_comes_now_has_everything_before_him() -> None:
    assert rest_of(PLAN, 0.0) == (0.0, PLAN)


def test_who_came_before_goes_on_with_his_next_turn_when_it_is_due() -> None:
    first = seconds_of(PLAN.rounds[0])
    found = rest_of(PLAN, first - 0.25)
    assert found is not None
    assert found[0] == pytest.approx(0.25)
    assert found[1].rounds == PLAN.rounds[1:]
    assert found[1].thread == PLAN.thread


def test_who_had_his_last_turn_is_gone() -> None:
    assert rest_of(PLAN, sum(seconds_of(each) for each in PLAN.rounds)) is None


def test_nobody_is_there_before_where_conversations_are_of_one_turn() -> None:
    assert list(people_before(People(ONE_RUN, 7), order())) == []


def test_those_before_have_numbers_and_threads_of_their_own() -> None:
    stage = order(behaviour=shipped("default"), rate=10, measured=30, first_number=20_000_000)
    before = list(people_before(PEOPLE, stage))
    assert len(before) > 50
    assert len({plan.thread for _, _, plan in before}) == len(before)
    assert min(number for number, _, _ in before) >= 20_000_000 + BEFORE
    assert all(0 <= moment < 30_000_000_000 for _, moment, _ in before)
