"""Accepts runs: decides about double texts, tells the victims, wakes the workers."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from outrigger_server.brokers.base import CancelSignals, EventLog, Wakeups
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.run import Run, RunRequest, ThreadId
from outrigger_server.errors import ThreadBusy
from outrigger_server.runs.ends import end_dropped
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.stores.base import Database
from outrigger_server.stores.runs import Created, create_run
from outrigger_server.stores.threads import ensure_thread


@dataclass(frozen=True, slots=True)
class RunCreator:
    """Creates runs on threads."""

    database: Database
    events: EventLog
    cancels: CancelSignals
    wakeups: Wakeups
    clock: Clock
    telemetry: RunTelemetry

    async def create(
        self, thread_id: ThreadId, request: RunRequest, *, make_thread: bool = False
    ) -> Run:
        """Store the run and carry out what its strategy does to the runs in flight.

        All of it is one transaction: a refused run leaves no trace. With `make_thread` a
        missing thread is made in it too. When this returns, the run is on disk.

        Raises:
            NotFound: There is no such thread.
            ThreadBusy: The strategy is reject and a run is in flight.
            StoreUnavailable: Nothing was stored.
        """
        created = await self.database.write(
            partial(self._job, thread_id, request, make_thread=make_thread)
        )
        if created.run is None:
            self.telemetry.rejected(thread_id, request, created.decision)
            raise ThreadBusy
        self._carry_out(created, created.run)
        return created.run

    def _job(
        self,
        thread_id: ThreadId,
        request: RunRequest,
        connection: Connection,
        *,
        make_thread: bool,
    ) -> Created:
        now = self.clock.now()
        if make_thread:
            ensure_thread(connection, thread_id, now)
        return create_run(connection, thread_id, request, now)

    def _carry_out(self, created: Created, run: Run) -> None:
        decision = created.decision
        self.telemetry.created(run, decision, created.queue_length)
        if decision.action is not None:
            for victim in decision.cut:
                self.cancels.send(victim, decision.action)
            for dropped in created.dropped:
                end_dropped(dropped, decision.action, self.events, self.telemetry)
        self.wakeups.notify()
