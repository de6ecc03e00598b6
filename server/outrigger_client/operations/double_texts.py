"""Runs that are sent to a thread which may be busy, and what becomes of those they meet."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from langgraph_sdk.errors import ConflictError
from langgraph_sdk.schema import Run

from outrigger_client.errors import ThreadBusy
from outrigger_client.operations.endings import in_flight, status_of
from outrigger_client.operations.options import Strategy
from outrigger_client.operations.steps import Call, Nap, Sdk, Steps, call
from outrigger_client.transport.pauses import retry_after

_DEFAULT_RETRY_AFTER = 1.0
_SHORTEST_NAP = 0.1


@dataclass(frozen=True, slots=True)
class DoubleText:
    """An accepted run, and what it meant for the runs that it met."""

    run: Run
    strategy: Strategy
    ahead: tuple[str, ...] = ()
    """Runs that go first, in their order (`enqueue`)."""
    met: Mapping[str, str] = field(default_factory=dict)
    """How each run that was in flight has ended (`interrupt`, `rollback`): `interrupted`,
    `rolled_back`, or `success` or `error` if it was done before; `running` or `pending` if it had
    not stopped in time."""


@dataclass(frozen=True, slots=True)
class BusyThread:
    """Does what needs a thread, as soon as it is free if its caller is patient."""

    sdk: Sdk
    thread_id: str
    patience_seconds: float
    clock: Callable[[], float]

    def when_free(self, wanted: Call) -> Steps[Any]:
        """Do it; while the thread is busy, wait for its runs and try again.

        Raises:
            ThreadBusy: The thread was busy for longer than the patience.
        """
        until = self.clock() + self.patience_seconds
        while True:
            try:
                return (yield wanted)
            except ConflictError as refusal:
                runs = yield from in_flight(self.sdk, self.thread_id)
                asked = retry_after(refusal.response.headers)
                left = until - self.clock()
                busy = ThreadBusy(self.thread_id, runs, _advice(asked))
                if left <= 0:
                    raise busy from refusal
                yield from self._wait(runs, asked, left)

    def _wait(
        self, runs: list[str], asked: float | None, left: float
    ) -> Generator[Call | Nap, Any, None]:
        nap = asked if asked is not None else 0.0 if runs else _SHORTEST_NAP
        if nap:
            yield Nap(min(nap, left))
            return
        try:
            yield Call(self.sdk.runs.join, (self.thread_id, runs[-1]), within=left)
        except TimeoutError:
            return


def _advice(asked: float | None) -> float:
    return _DEFAULT_RETRY_AFTER if asked is None else asked


def double_text(
    busy: BusyThread,
    assistant_id: str,
    strategy: Strategy,
    settle_seconds: float,
    options: dict[str, Any],
) -> Steps[DoubleText]:
    """Create a run and say what came of the runs that it met.

    Raises:
        ThreadBusy: The strategy is `reject` and the thread was busy for longer than the patience.
    """
    sdk, thread_id = busy.sdk, busy.thread_id
    wanted = Call(
        sdk.runs.create,
        (thread_id, assistant_id),
        {"stream_resumable": True, **options, "multitask_strategy": strategy},
    )
    if strategy == "reject":
        return DoubleText((yield from busy.when_free(wanted)), strategy)
    before = yield from in_flight(sdk, thread_id)
    run: Run = yield wanted
    if strategy == "enqueue":
        now = yield from in_flight(sdk, thread_id)
        own = now.index(run["run_id"]) if run["run_id"] in now else 0
        return DoubleText(run, strategy, ahead=tuple(now[:own]))
    until = busy.clock() + settle_seconds
    met = {}
    for victim in before:
        met[victim] = yield from _fate(sdk, thread_id, victim, until - busy.clock())
    return DoubleText(run, strategy, met=met)


def _fate(sdk: Sdk, thread_id: str, run_id: str, left: float) -> Steps[str]:
    """How a superseded run has ended, once it has stopped."""
    status = yield from status_of(sdk, thread_id, run_id)
    if status in {"pending", "running"} and left > 0:
        try:
            yield Call(sdk.runs.join, (thread_id, run_id), within=left)
        except TimeoutError:
            return status
        status = yield from status_of(sdk, thread_id, run_id)
    return status


def updated_state(busy: BusyThread, values: Any, as_node: str | None) -> Steps[Any]:
    """Write into a thread's state, once the thread is free.

    Raises:
        ThreadBusy: It was busy for longer than the patience.
    """
    options = {} if as_node is None else {"as_node": as_node}
    return (
        yield from busy.when_free(
            call(busy.sdk.threads.update_state, busy.thread_id, values, **options)
        )
    )
