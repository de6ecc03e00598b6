"""Double-texting: what becomes of the runs in flight when a thread gets another run.

One pure function decides; creating a run applies its answer in the transaction that
locks the thread. What the strategies promise is in the README.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from outrigger_server.domain.run import CancelAction, RunId, RunStatus


class MultitaskStrategy(StrEnum):
    """What the *new* run does to the runs in flight on its thread."""

    REJECT = "reject"
    ENQUEUE = "enqueue"
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


class DoubleTextResult(StrEnum):
    """What a double text came to; the `result` of `langgraph_double_text_total`."""

    REJECTED = "rejected"
    ENQUEUED = "enqueued"
    INTERRUPTED = "interrupted"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class InFlightRun:
    """A pending or running run of the thread, delayed ones too."""

    run_id: RunId
    status: RunStatus
    cancel_action: CancelAction | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with the new run and with those in flight.

    `result` is None when nothing was in flight: then it is no double text. Runs in
    neither `drop` nor `cut` stay untouched. The new run, when accepted, always starts
    after every run that is still in flight.
    """

    accepted: bool
    result: DoubleTextResult | None = None
    action: CancelAction | None = None
    drop: tuple[RunId, ...] = ()
    """Pending runs that must never start: interrupted or deleted, as `action` says."""
    cut: tuple[RunId, ...] = ()
    """Running runs to be cancelled with `action`; their workers finish the job."""


_ACTIONS = {
    MultitaskStrategy.INTERRUPT: (CancelAction.INTERRUPT, DoubleTextResult.INTERRUPTED),
    MultitaskStrategy.ROLLBACK: (CancelAction.ROLLBACK, DoubleTextResult.ROLLED_BACK),
}


def decide(strategy: MultitaskStrategy, in_flight: Sequence[InFlightRun]) -> Decision:
    """Say what a new run with `strategy` does to the runs `in_flight`, oldest first.

    Only the new run's strategy counts. A running victim that is already being
    interrupted is rolled back by a later rollback; the reverse changes nothing.
    """
    if not in_flight:
        return Decision(accepted=True)
    if strategy is MultitaskStrategy.REJECT:
        return Decision(accepted=False, result=DoubleTextResult.REJECTED)
    if strategy is MultitaskStrategy.ENQUEUE:
        return Decision(accepted=True, result=DoubleTextResult.ENQUEUED)
    action, result = _ACTIONS[strategy]
    return Decision(
        accepted=True,
        result=result,
        action=action,
        drop=tuple(run.run_id for run in in_flight if run.status is RunStatus.PENDING),
        cut=tuple(run.run_id for run in in_flight if run.status is RunStatus.RUNNING),
    )
