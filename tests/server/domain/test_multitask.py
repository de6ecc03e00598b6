"""Double-texting as properties: what a new run does to the runs in flight."""

from hypothesis import given
from hypothesis import strategies as st

from outrigger_server.domain.multitask import (
    Decision,
    DoubleTextResult,
    InFlightRun,
    MultitaskStrategy,
    decide,
)
from outrigger_server.domain.run import CancelAction, RunStatus

STRATEGIES = st.sampled_from(MultitaskStrategy)
CUTTING = st.sampled_from([MultitaskStrategy.INTERRUPT, MultitaskStrategy.ROLLBACK])


@st.composite
def queues(draw, *, least: int = 0):
    """What may be in flight on one thread: at most one running run."""
    size = draw(st.integers(least, 8))
    running = draw(st.none() | st.integers(0, size - 1)) if size else None
    return [
        InFlightRun(
            f"run-{place}",
            RunStatus.RUNNING if place == running else RunStatus.PENDING,
            draw(st.none() | st.sampled_from(CancelAction)) if place == running else None,
        )
        for place in range(size)
    ]


BUSY = queues(least=1)


@given(STRATEGIES)
def test_with_nothing_in_flight_every_run_is_accepted_and_is_no_double_text(strategy):
    assert decide(strategy, []) == Decision(accepted=True, result=None)


@given(BUSY)
def test_reject_refuses_and_never_touches_anything(in_flight):
    decision = decide(MultitaskStrategy.REJECT, in_flight)
    assert decision == Decision(accepted=False, result=DoubleTextResult.REJECTED)


@given(BUSY)
def test_enqueue_is_accepted_and_touches_nothing(in_flight):
    decision = decide(MultitaskStrategy.ENQUEUE, in_flight)
    assert decision == Decision(accepted=True, result=DoubleTextResult.ENQUEUED)


@given(CUTTING, BUSY)
def test_interrupt_and_rollback_drop_exactly_the_pending_runs_in_their_order(strategy, in_flight):
    pending = [run.run_id for run in in_flight if run.status is RunStatus.PENDING]
    assert list(decide(strategy, in_flight).drop) == pending


@given(CUTTING, BUSY)
def test_interrupt_and_rollback_cut_exactly_the_running_run(strategy, in_flight):
    running = [run.run_id for run in in_flight if run.status is RunStatus.RUNNING]
    assert list(decide(strategy, in_flight).cut) == running


@given(BUSY)
def test_interrupt_says_that_it_interrupts(in_flight):
    decision = decide(MultitaskStrategy.INTERRUPT, in_flight)
    assert (decision.action, decision.result) == (
        CancelAction.INTERRUPT,
        DoubleTextResult.INTERRUPTED,
    )


@given(BUSY)
def test_rollback_says_that_it_rolls_back(in_flight):
    decision = decide(MultitaskStrategy.ROLLBACK, in_flight)
    assert (decision.action, decision.result) == (
        CancelAction.ROLLBACK,
        DoubleTextResult.ROLLED_BACK,
    )


@given(STRATEGIES, BUSY)
def test_a_double_text_is_refused_by_reject_alone(strategy, in_flight):
    assert decide(strategy, in_flight).accepted is (strategy is not MultitaskStrategy.REJECT)


@given(STRATEGIES, BUSY)
def test_every_double_text_has_a_result_for_the_metric(strategy, in_flight):
    assert decide(strategy, in_flight).result is not None


@given(STRATEGIES, queues())
def test_there_are_victims_only_together_with_an_action(strategy, in_flight):
    decision = decide(strategy, in_flight)
    assert bool(decision.drop or decision.cut) is (decision.action is not None)


@given(STRATEGIES, queues())
def test_the_runs_in_flight_are_left_as_they_were_given(strategy, in_flight):
    before = list(in_flight)
    decide(strategy, in_flight)
    assert in_flight == before
