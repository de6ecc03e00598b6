"""What an attempt is told: the strongest order counts."""

import itertools

import pytest

from fakes.run_desk import request
from outrigger_server.domain.run import CancelAction, Run, RunStatus
from outrigger_server.runs.attempt import Attempt, Order

RANKED = [Order.HAND_BACK, Order.TIME_OUT, Order.INTERRUPT, Order.ROLLBACK, Order.LET_GO]


@pytest.fixture
def attempt():
    wanted = request("r")
    run = Run(
        run_id=wanted.run_id,
        thread_id="t",
        assistant_id="a",
        graph_id="g",
        status=RunStatus.RUNNING,
        multitask_strategy="enqueue",
        metadata={},
        kwargs={},
        created_at=0,
        updated_at=0,
        attempt=3,
    )
    return Attempt(run, source=None)


def test_every_order_has_a_rank():
    assert set(RANKED) == set(Order)


def test_an_attempt_lives_untold_until_it_is_told(attempt):
    assert (attempt.live, attempt.order, attempt.told.is_set()) == (True, None, False)


@pytest.mark.parametrize("order", Order)
def test_the_first_order_is_taken_and_wakes_whoever_waits_for_one(attempt, order):
    attempt.tell(order)
    assert attempt.order is order
    assert attempt.told.is_set()


@pytest.mark.parametrize(("weak", "strong"), [*itertools.combinations(RANKED, 2)])
def test_the_stronger_order_counts_whichever_came_first(attempt, weak, strong):
    attempt.tell(weak)
    attempt.tell(strong)
    attempt.tell(weak)
    assert attempt.order is strong


@pytest.mark.parametrize(
    ("action", "order"),
    [(CancelAction.INTERRUPT, Order.INTERRUPT), (CancelAction.ROLLBACK, Order.ROLLBACK)],
)
def test_a_cancel_request_becomes_its_order(attempt, action, order):
    attempt.tell_cancel(action)
    assert attempt.order is order


def test_an_attempts_name_tells_it_from_the_runs_other_attempts(attempt):
    assert attempt.name == "r/3"
