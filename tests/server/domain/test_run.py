"""The life of a run: which status follows which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrigger_server.domain.run import REMOVALS, TRANSITIONS, CancelAction, RunStatus

ACTIONS = st.sampled_from(CancelAction)


def reachable_from(start: RunStatus) -> set[RunStatus]:
    seen, fresh = {start}, {start}
    while fresh:
        fresh = {after for before in fresh for after in TRANSITIONS[before]} - seen
        seen |= fresh
    return seen


def test_the_table_has_a_row_for_every_status():
    assert set(TRANSITIONS) == set(RunStatus)


def test_every_status_says_what_takes_its_row_away():
    assert set(REMOVALS) == set(RunStatus)


def test_every_status_is_reachable_from_pending():
    assert reachable_from(RunStatus.PENDING) == set(RunStatus)


def test_the_terminal_statuses_are_success_error_timeout_and_interrupted():
    terminal = {status for status in RunStatus if status.is_terminal}
    assert terminal == {
        RunStatus.SUCCESS,
        RunStatus.ERROR,
        RunStatus.TIMEOUT,
        RunStatus.INTERRUPTED,
    }


@pytest.mark.parametrize("status", sorted(each for each in RunStatus if not each.is_terminal))
def test_every_run_in_flight_can_come_to_an_end(status):
    assert any(after.is_terminal for after in reachable_from(status))


def test_a_run_that_never_started_can_only_be_interrupted():
    ends = {after for after in TRANSITIONS[RunStatus.PENDING] if after.is_terminal}
    assert ends == {RunStatus.INTERRUPTED}


@given(ACTIONS, ACTIONS)
def test_the_stronger_action_wins_in_whatever_order_both_were_asked(one, other):
    assert one.or_stronger(other) is other.or_stronger(one)


@given(ACTIONS)
def test_nothing_asked_before_leaves_the_action_as_it_is(action):
    assert action.or_stronger(None) is action


@given(ACTIONS)
def test_rollback_outweighs_every_action(action):
    assert action.or_stronger(CancelAction.ROLLBACK) is CancelAction.ROLLBACK


def test_two_interrupts_stay_an_interrupt():
    assert CancelAction.INTERRUPT.or_stronger(CancelAction.INTERRUPT) is CancelAction.INTERRUPT


def test_a_run_is_in_flight_while_it_is_pending_or_running():
    assert {status for status in RunStatus if not status.is_terminal} == {
        RunStatus.PENDING,
        RunStatus.RUNNING,
    }
