"""Stops runs that somebody asked to stop, and removes runs and threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from outrigger_server.brokers.base import CancelSignals, EventLog, RunEnd, Wakeups
from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.event import thread_stream
from outrigger_server.domain.run import (
    CancelAction,
    Run,
    RunId,
    RunOutcome,
    RunStatus,
    ThreadId,
)
from outrigger_server.errors import IllegalTransition, NotFound
from outrigger_server.runs.ends import DELETED, GONE, GONE_ERROR, end_dropped
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.runs.watch import RunWatcher
from outrigger_server.stores.base import Database
from outrigger_server.stores.run_ends import delete_finished_run
from outrigger_server.stores.run_pages import BEFORE_ALL, Place, last_run, page_of_runs
from outrigger_server.stores.run_rows import find_run, get_run, has_one_of
from outrigger_server.stores.runs import Cancelled, cancel_runs
from outrigger_server.stores.threads import delete_thread, find_thread
from outrigger_server.threads.changes import StateChanges

NOTHING_TO_CANCEL = (
    "No matching runs to cancel. Please verify the thread ID and run IDs are correct, and the "
    "runs haven't been deleted or completed."
)
NOTHING_FOUND = "No runs found to cancel."

PAGE = 500
"""Runs looked up at once when many are cancelled."""


@dataclass(frozen=True, slots=True)
class RunCanceller:
    """Cancels and deletes runs."""

    database: Database
    changes: StateChanges
    watcher: RunWatcher
    events: EventLog
    cancels: CancelSignals
    wakeups: Wakeups
    clock: Clock
    telemetry: RunTelemetry

    async def cancel(
        self,
        thread_id: ThreadId,
        run_ids: Sequence[RunId],
        action: CancelAction,
        *,
        message: str | None,
        wait: bool = False,
    ) -> None:
        """Stop the runs; with `wait`, return only when each has ended.

        `message` becomes the thread's error; None leaves it as it is.

        Raises:
            NotFound: None of them is in flight and not being cancelled already.
        """
        cancelled = await self.database.write(
            partial(
                cancel_runs,
                thread_id=thread_id,
                run_ids=run_ids,
                action=action,
                now=self.clock.now(),
                message=message,
            )
        )
        if not cancelled.signalled and not cancelled.dropped:
            look = partial(has_one_of, thread_id=thread_id, run_ids=run_ids)
            known = await self.database.read(look)
            raise NotFound(NOTHING_TO_CANCEL if known else NOTHING_FOUND)
        self._carry_out(cancelled, action)
        for dropped in cancelled.dropped:
            if dropped.attempt > 0 and action is CancelAction.INTERRUPT:
                await self.changes.follow_head(
                    dropped.thread_id
                )  # an earlier attempt of it left checkpoints
        if wait:
            for run_id in cancelled.signalled:
                await self.watcher.ended(thread_id, run_id)

    async def cancel_all(
        self,
        statuses: Sequence[RunStatus],
        action: CancelAction,
        *,
        message: str,
        allowed: Filter = EVERYTHING,
    ) -> None:
        """Stop every run that has one of the statuses now; those made meanwhile go on.

        Each thread's runs are one transaction. Those of threads that are hidden go on.

        Raises:
            NotFound: There is none, or all of them are being cancelled already.
        """
        last = await self.database.read(last_run)
        stopped = False
        for status in statuses:
            after: Place | None = BEFORE_ALL
            while after is not None:
                look = partial(page_of_runs, status=status, after=after, last=last, limit=PAGE)
                page = await self.database.read(look)
                after = page.after
                for thread_id, run_ids in page.runs.items():
                    if await is_hidden(self.database, thread_id, allowed):
                        continue
                    try:
                        await self.cancel(thread_id, run_ids, action, message=message)
                    except NotFound:  # they ended meanwhile
                        continue
                    stopped = True
        if not stopped:
            raise NotFound(NOTHING_FOUND)

    def _carry_out(self, cancelled: Cancelled, action: CancelAction) -> None:
        for dropped in cancelled.dropped:
            end_dropped(dropped, action, self.events, self.telemetry)
        for run_id in cancelled.signalled:
            self.cancels.send(run_id, action)
        self.wakeups.notify()

    async def delete_run(self, thread_id: ThreadId, run_id: RunId) -> None:
        """Remove a run with its checkpoints; one that is running is cut first.

        The thread's other runs go on, and its values follow the head of the history.

        Raises:
            NotFound: The thread has no such run.
        """
        run = await self.database.read(partial(get_run, thread_id=thread_id, run_id=run_id))
        if not run.status.is_terminal and await self._rolled_back(run):
            return
        try:
            await self.database.write(partial(delete_finished_run, run=run))
        except IllegalTransition:
            return
        await self.changes.follow_head(run.thread_id)

    async def _rolled_back(self, run: Run) -> bool:
        try:
            await self.cancel(
                run.thread_id, [run.run_id], CancelAction.ROLLBACK, message=None, wait=True
            )
        except NotFound:  # it ended meanwhile, or is being rolled back
            await self.watcher.ended(run.thread_id, run.run_id)
        return await self.database.read(partial(find_run, run_id=run.run_id)) is None

    async def delete_thread(self, thread_id: ThreadId) -> None:
        """Remove a thread with everything on it; runs in flight are stopped and can write no more.

        Raises:
            NotFound: There is no such thread.
        """
        in_flight = await self.database.write(partial(delete_thread, thread_id=thread_id))
        for run in in_flight:
            self.cancels.send(run.run_id, CancelAction.ROLLBACK)
            self.events.end(RunEnd(run.run_id, DELETED, GONE, error=GONE_ERROR))
            self.telemetry.dropped(run, RunOutcome.CANCELLED)
        self.events.end(RunEnd(thread_stream(thread_id), DELETED, GONE))


async def is_hidden(database: Database, thread_id: ThreadId, allowed: Filter) -> bool:
    """True when the thread is not there, or the filter does not let it through."""
    if not allowed:
        return False
    thread = await database.read(partial(find_thread, thread_id=thread_id))
    return thread is None or not allowed.matches(thread.metadata)
