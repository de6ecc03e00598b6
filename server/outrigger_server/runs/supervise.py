"""Watches one attempt from the server's loop: lets it end, or cuts it when told to."""

import asyncio

from structlog.contextvars import bound_contextvars

from outrigger_server.brokers.base import CancelSignals, EventLog
from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.errors import GraphFailed, WritesLost
from outrigger_server.graphs.loop import GraphLoop, GraphTask
from outrigger_server.graphs.source import GraphSource
from outrigger_server.runs.attempt import Attempt, Order
from outrigger_server.runs.cut import cut
from outrigger_server.runs.execute import Ending, EndKind, Executor, ending_of
from outrigger_server.runs.finish import Finisher
from outrigger_server.runs.publish import publish_start
from outrigger_server.settings import WorkerSettings

STOPPED = Ending(EndKind.STOPPED)


class Supervisor:
    """Takes attempts from their claim to their end on disk."""

    def __init__(
        self,
        *,
        graph_loop: GraphLoop,
        executor: Executor,
        finisher: Finisher,
        events: EventLog,
        cancels: CancelSignals,
        settings: WorkerSettings,
    ) -> None:
        self._graph_loop = graph_loop
        self._executor = executor
        self._finisher = finisher
        self._events = events
        self._cancels = cancels
        self._settings = settings

    async def supervise(self, attempt: Attempt, source: GraphSource) -> GraphTask:
        """Run the attempt and return once its end is on disk.

        The task returned may still be alive, as a zombie: wait for its `quiet`.
        """
        run = attempt.run
        self._cancels.listen(run.run_id, attempt.tell_cancel)
        self._events.open(run.run_id, resumable=bool(run.kwargs.get("resumable")))
        publish_start(self._events, run)
        if run.cancel_action is not None:
            attempt.tell_cancel(run.cancel_action)
        task = self._graph_loop.start(attempt.name, self._executor.execute(attempt, source))
        try:
            await self._until_ended_or_told(attempt, task)
            with bound_contextvars(events=attempt.emitted):  # for the line of the run's end
                if attempt.told.is_set():
                    grace = self._settings.cancel_grace_seconds
                    await cut(attempt, task, self._finisher, grace_seconds=grace)
                else:
                    await self._end(attempt, source, task.ended.result() or STOPPED)
        finally:
            attempt.live = False
            self._cancels.forget(run.run_id)
        return task

    def _is_last(self, attempt: Attempt) -> bool:
        run = attempt.run
        return run.attempt - run.handed_back >= self._settings.max_attempts

    async def _until_ended_or_told(self, attempt: Attempt, task: GraphTask) -> None:
        told = asyncio.ensure_future(attempt.told.wait())
        try:
            await asyncio.wait(
                {told, task.ended},
                timeout=self._seconds_left(attempt),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            told.cancel()
        if not task.ended.done() and not attempt.told.is_set():
            attempt.tell(Order.TIME_OUT)

    def _seconds_left(self, attempt: Attempt) -> float:
        """What earlier attempts left of the run's time limit."""
        spent = attempt.run.spent / MICROSECONDS
        return max(0.0, self._settings.run_timeout_seconds - spent)

    async def _end(self, attempt: Attempt, source: GraphSource, ending: Ending) -> None:
        run = attempt.run
        if ending.kind is EndKind.DONE:
            try:
                await self._finisher.succeed(run, source, ending)
            except WritesLost as lost:
                ending = ending_of(lost.cause)
            else:
                return
        await self._finisher.settle()
        match ending.kind:
            case EndKind.FAILED:
                error = ending.error or GraphFailed("Error", "")
                await self._finisher.fail(run, source, error)
            case EndKind.STOPPED:
                # Nobody asked: the graph cancelled itself.
                error = GraphFailed("CancelledError", "The graph cancelled its own task.")
                await self._finisher.fail(run, source, error)
            case EndKind.UNAVAILABLE if self._is_last(attempt):
                text = f"The database refused a write in each of {run.attempt} attempts."
                await self._finisher.fail(run, source, GraphFailed("StoreUnavailable", text))
            case EndKind.UNAVAILABLE:
                # Once the database takes this, the run goes on where it stood.
                if not await self._finisher.hand_back(run, blameless=False):
                    await self._finisher.interrupt(run, source)
            case EndKind.FENCED | EndKind.DONE:
                return
