"""How an ended run looks to those who wait for it."""

import json
from typing import Any

from outrigger_server.brokers.base import EventLog, RunEnd
from outrigger_server.domain.run import CancelAction, Run, RunOutcome, RunStatus
from outrigger_server.domain.thread import Thread, ThreadOutcome
from outrigger_server.graphs.encoding import encode
from outrigger_server.runs.telemetry import RunTelemetry

ROLLED_BACK = "rolled_back"
"""What stands in for the status of a run whose row is gone."""

DELETED = "deleted"
"""What stands in for the status of a run whose thread was deleted."""

NOT_FOUND = "not_found"
"""What stands in for the status of a run that is not there, whatever became of it."""

GONE_ERROR = {"error": "HTTPException", "message": "404: Run not found"}
GONE = encode({"__error__": GONE_ERROR})
"""What those are told who wait for a run that is not there."""


def ended_run(run: Run, status: str, outcome: ThreadOutcome | None = None) -> RunEnd:
    """The end of `run`, with the body that `/wait` and `/join` answer."""
    error = None
    if status == ROLLED_BACK:
        reason = run.cancel_message or "rolled back"
        body = _error_body({"error": "UserRollback", "message": reason})
    elif outcome is None:
        body = b"{}"
    elif status == RunStatus.ERROR and outcome.error is not None:
        error = outcome.error
        body = _error_body(error)
    else:
        body = _values_body(outcome.values, outcome.interrupts)
    return RunEnd(run.run_id, status, body, run.superseded_by, error)


def ended_earlier(run: Run, thread: Thread, *, question_only: bool = False) -> RunEnd:
    """The end of a run that ended before anybody asked: what its thread holds now.

    With `question_only` that is, where the thread waits for answers, what it asks and no more.
    """
    error = None
    if run.status is RunStatus.ERROR and thread.error is not None:
        error = thread.error
        body = _error_body(error)
    else:
        asked = _questions(thread.interrupts) if question_only else []
        body = (
            encode({"__interrupt__": asked})
            if asked
            else _values_body(thread.values, thread.interrupts)
        )
    return RunEnd(run.run_id, run.status.value, body, run.superseded_by, error)


def run_outcome(run: Run, status: RunStatus) -> RunOutcome:
    """The outcome that metrics and logs give a run: interrupted only by another run."""
    if status is RunStatus.INTERRUPTED and run.superseded_by is None:
        return RunOutcome.CANCELLED
    return RunOutcome(status.value)


def _error_body(error: dict[str, Any]) -> bytes:
    return encode({"__error__": error})


def _questions(interrupts: str | None) -> list[dict[str, Any]]:
    return [each for task in json.loads(interrupts or "{}").values() for each in task]


def _values_body(values: str | None, interrupts: str | None) -> bytes:
    pending = _questions(interrupts)
    if not pending:
        return (values or "{}").encode()
    body = json.loads(values or "{}")  # orjson refuses the halves of emojis it may hold
    if not isinstance(body, dict):
        body = {"values": body}
    body["__interrupt__"] = [{**each, "response_schema": None} for each in pending]
    return encode(body)


def end_dropped(run: Run, action: CancelAction, events: EventLog, telemetry: RunTelemetry) -> None:
    """Tell everybody that a run ended before it started."""
    rolled_back = action is CancelAction.ROLLBACK
    outcome = RunOutcome.ROLLED_BACK if rolled_back else run_outcome(run, RunStatus.INTERRUPTED)
    telemetry.dropped(run, outcome)
    events.end(ended_run(run, ROLLED_BACK if rolled_back else RunStatus.INTERRUPTED.value))
