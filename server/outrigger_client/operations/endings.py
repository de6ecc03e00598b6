"""How runs end, told alike whichever server says it."""

from dataclasses import dataclass
from typing import Any

from langgraph_sdk.errors import NotFoundError

from outrigger_client.errors import RunFailed, RunSuperseded
from outrigger_client.operations.steps import Sdk, Steps, call

_IN_FLIGHT = ("running", "pending")
_MOST_IN_FLIGHT = 1000
_CUT = {"UserRollback": "rolled_back", "UserInterrupt": "interrupted"}


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that has ended by itself."""

    thread_id: str
    run_id: str
    values: dict[str, Any]
    """The thread's state behind it; `__interrupt__` in it are the questions it ended with."""

    @property
    def questions(self) -> list[dict[str, Any]]:
        """What the graph asks for before it goes on; answer with `command={"resume": …}`."""
        asked: list[dict[str, Any]] = self.values.get("__interrupt__", [])
        return asked


def in_flight(sdk: Sdk, thread_id: str) -> Steps[list[str]]:
    """The ids of the runs in flight on a thread, oldest first."""
    found: list[dict[str, Any]] = []
    for status in _IN_FLIGHT:
        found += yield call(sdk.runs.list, thread_id, status=status, limit=_MOST_IN_FLIGHT)
    found.sort(key=lambda run: str(run["created_at"]))
    return list(dict.fromkeys(str(run["run_id"]) for run in found))


def status_of(sdk: Sdk, thread_id: str, run_id: str) -> Steps[str]:
    """The status of a run; `rolled_back` for one that is not there any more."""
    try:
        row = yield call(sdk.runs.get, thread_id, run_id)
    except NotFoundError:
        return "rolled_back"
    return str(row["status"])


def finished(thread_id: str, run_id: str, values: Any, status: str) -> FinishedRun:
    """What the end of a run means to who waited for it.

    Raises:
        RunFailed: The graph raised.
        RunSuperseded: It was stopped.
    """
    error = values.get("__error__") if isinstance(values, dict) else None
    if isinstance(error, dict):
        kind = str(error.get("error"))
        if kind in _CUT:
            raise RunSuperseded(thread_id, run_id, _CUT[kind])
        if status != "rolled_back":
            raise RunFailed(thread_id, run_id, kind, str(error.get("message")))
    if status in _CUT.values():
        raise RunSuperseded(thread_id, run_id, status)
    if status in {"error", "timeout"}:
        raise RunFailed(thread_id, run_id, status, "the run has ended with this status")
    return FinishedRun(thread_id, run_id, values if isinstance(values, dict) else {})
