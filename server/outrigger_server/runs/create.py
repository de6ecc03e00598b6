"""Accepts runs: decides about double texts, tells the victims, wakes the workers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from outrigger_server.brokers.base import CancelSignals, EventLog, Wakeups
from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.idempotency import IdempotencyKey
from outrigger_server.domain.run import Lease, Run, RunId, RunRequest, ThreadId
from outrigger_server.domain.thread import Ttl
from outrigger_server.errors import Gone, NotFound, ThreadBusy
from outrigger_server.runs.ends import end_dropped
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.stores.base import Database, Job
from outrigger_server.stores.idempotency_keys import claim_key, release_key
from outrigger_server.stores.run_rows import find_run
from outrigger_server.stores.runs import Created, create_run
from outrigger_server.stores.temporary_threads import make_temporary_thread
from outrigger_server.stores.threads import ensure_thread, may_use_thread

RUN_GONE = (
    "Idempotency-Key: the run that this key created was rolled back or deleted; nothing was "
    "created now. Send a new key to create another one."
)

MISSING = "Thread or assistant not found."


@dataclass(frozen=True, slots=True)
class _Options:
    make_thread: bool
    key: IdempotencyKey | None
    allowed: Filter


class Slots(Protocol):
    """A worker of this process, which may start a run as it is created."""

    def reserve(self) -> Lease | None:
        """Keep a free slot, until `start` or `release`; None when there is none."""
        ...

    def start(self, run: Run, *, fresh: bool) -> None:
        """Work on a run that was stored as started with the lease of a reserved slot.

        `fresh`: its thread has no history.
        """
        ...

    def release(self) -> None:
        """Give the reserved slot back."""
        ...


@dataclass(frozen=True, slots=True)
class RunCreator:
    """Creates runs on threads. Without `slots` another process starts them."""

    database: Database
    events: EventLog
    cancels: CancelSignals
    wakeups: Wakeups
    clock: Clock
    telemetry: RunTelemetry
    slots: Slots | None = None
    thread_ttl: Ttl | None = None
    """How long a thread stays that is made for a run."""

    async def create(
        self,
        thread_id: ThreadId,
        request: RunRequest,
        *,
        make_thread: bool = False,
        key: IdempotencyKey | None = None,
        allowed: Filter = EVERYTHING,
    ) -> Run:
        """Store the run and carry out what its strategy does to the runs in flight.

        All of it is one transaction: a refused run leaves no trace. With `make_thread` a
        missing thread is made in it too. When this returns, the run is on disk. A `key`
        that has created a run already leads to that run, and nothing else happens. A thread
        that `allowed` hides is as good as missing.

        Raises:
            Gone: The run that the key created is not there any more.
            InvalidRequest: The key came with another body before.
            NotFound: There is no such thread.
            ThreadBusy: The strategy is reject and a run is in flight.
            StoreUnavailable: Nothing was stored.
        """
        lease = None if self.slots is None else self.slots.reserve()
        options = _Options(make_thread, key, allowed)
        job = partial(self._job, thread_id, request, options, lease=lease)
        created = await asyncio.shield(self._begin(job, reserved=lease is not None))
        if isinstance(created, Run):
            return created
        if created.run is None:
            self.refused(thread_id, request, created)
            raise ThreadBusy
        self.carry_out(created, created.run)
        return created.run

    async def create_batch(self, wanted: Sequence[tuple[ThreadId, RunRequest]]) -> list[Run]:
        """Store runs, each on a new thread of its own: all of them or none.

        Raises:
            StoreUnavailable: Nothing was stored.
        """

        def job(connection: Connection) -> list[Created]:
            now = self.clock.now()
            for thread_id, request in wanted:
                self.make_thread(connection, thread_id, request, now)
            return [create_run(connection, *each, now) for each in wanted]

        runs = []
        for created in await self.database.write(job):
            if created.run is not None:  # a new thread refuses none
                self.carry_out(created, created.run)
                runs.append(created.run)
        return runs

    def _job(
        self,
        thread_id: ThreadId,
        request: RunRequest,
        options: _Options,
        connection: Connection,
        *,
        lease: Lease | None,
    ) -> Created | Run:
        now, key = self.clock.now(), options.key
        known = None if key is None else claim_key(connection, key, request.run_id, now)
        if options.make_thread and known is None:
            self.make_thread(connection, thread_id, request, now)
        if not may_use_thread(connection, thread_id, options.allowed):
            raise NotFound(MISSING)
        if known is not None:
            return created_before(connection, RunId(known))
        created = create_run(connection, thread_id, request, now, lease)
        if created.run is None and key is not None:
            release_key(connection, key)
        return created

    def make_thread(
        self, connection: Connection, thread_id: ThreadId, request: RunRequest, now: int
    ) -> None:
        """Add the thread that the run is for, unless it is there; a temporary one goes with it."""
        if request.kwargs.get("temporary"):
            make_temporary_thread(connection, thread_id, now, request.new_thread_metadata)
        else:
            metadata = request.new_thread_metadata
            ensure_thread(connection, thread_id, now, self.thread_ttl, metadata)

    def _begin(self, job: Job[Created | Run], *, reserved: bool) -> asyncio.Future[Created | Run]:
        """Hand the job over; the reserved slot is used or given back, whoever waits for it."""
        if self.slots is None or not reserved:
            return self.database.begin_write(job)
        try:
            writing = self.database.begin_write(job)
        except BaseException:
            self.slots.release()
            raise
        writing.add_done_callback(partial(_start_or_release, self.slots))
        return writing

    def refused(self, thread_id: ThreadId, request: RunRequest, created: Created) -> None:
        """Count a run that was refused; for those whose own transaction decided so."""
        self.telemetry.rejected(thread_id, request, created.decision)

    def carry_out(self, created: Created, run: Run) -> None:
        """Tell the victims and the workers of a run that is on disk; see `refused`."""
        decision = created.decision
        self.telemetry.created(run, decision, created.queue_length)
        if decision.action is not None:
            for victim in decision.cut:
                self.cancels.send(victim, decision.action)
            for dropped in created.dropped:
                end_dropped(dropped, decision.action, self.events, self.telemetry)
        if created.started is None:
            self.wakeups.notify()


def _start_or_release(slots: Slots, writing: asyncio.Future[Created | Run]) -> None:
    failed = writing.cancelled() or writing.exception() is not None
    created = None if failed else writing.result()
    if isinstance(created, Created) and created.started is not None:
        slots.start(created.started, fresh=created.fresh)
    else:
        slots.release()


def created_before(connection: Connection, run_id: RunId) -> Run:
    """The run that an idempotency key has created.

    Raises:
        Gone: It was rolled back or deleted since.
    """
    run = find_run(connection, run_id)
    if run is None:
        raise Gone(RUN_GONE)
    return run
