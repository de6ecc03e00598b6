"""Takes back runs whose worker went away: crashed, killed, or gone beyond its lease.

It also forgets idempotency keys in time.
"""

from functools import partial

from outrigger_server.brokers.base import Wakeups
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.run import CancelAction, Run, RunId
from outrigger_server.errors import GraphFailed
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.graphs.source import GraphSource
from outrigger_server.runs.finish import Finisher
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.stores.base import Database
from outrigger_server.stores.claims import end_lapsed_holds, expire_all_leases, recover_runs
from outrigger_server.stores.idempotency_keys import forget_keys

FORGET_AT_ONCE = 1000
"""Idempotency keys removed in one transaction."""

FORGET_ROUNDS = 10
"""Such transactions in one sweep: more keys than that wait for the next."""


class Recovery:
    """Requeues orphaned runs, ends those out of attempts, finishes cuts left half done.

    `alone` says that no other process uses the database: then whatever a start finds in
    anybody's hands was left there by a process that is gone.
    """

    def __init__(  # noqa: PLR0913  the parts of the engine, each passed in
        self,
        database: Database,
        registry: GraphRegistry,
        finisher: Finisher,
        wakeups: Wakeups,
        clock: Clock,
        telemetry: RunTelemetry,
        *,
        max_attempts: int,
        alone: bool = True,
    ) -> None:
        self._database = database
        self._registry = registry
        self._finisher = finisher
        self._wakeups = wakeups
        self._clock = clock
        self._telemetry = telemetry
        self._max_attempts = max_attempts
        self._alone = alone
        self.requeued: set[RunId] = set()
        """Runs put back by this process and not claimed since."""

    async def take_over(self) -> None:
        """Recover what can be at the start: everything, when alone, else what has lapsed."""
        if self._alone:
            await self._database.write(partial(expire_all_leases, now=self._clock.now()))
        await self.sweep(frozenset())

    async def sweep(self, live: frozenset[RunId]) -> None:
        """Recover the runs whose lease has ended, but never one that is `live` here."""
        released = 0
        if not self._alone:
            released = await self._database.write(partial(end_lapsed_holds, now=self._clock.now()))
        recovered = await self._database.write(
            partial(
                recover_runs,
                now=self._clock.now(),
                max_attempts=self._max_attempts,
                live=live,
            )
        )
        for run in recovered.requeued:
            self.requeued.add(run.run_id)
            self._telemetry.lease_expired("requeued", run)
        for run in recovered.exhausted:
            self._telemetry.lease_expired("exhausted", run)
            await self._exhaust(run)
        for run in recovered.cancelled:
            await self._finish_cut(run)
        if recovered.requeued or released:
            self._wakeups.notify()

    async def forget_keys(self) -> None:
        """Remove idempotency keys whose time is over, as many as one sweep may."""
        for _ in range(FORGET_ROUNDS):
            job = partial(forget_keys, now=self._clock.now(), limit=FORGET_AT_ONCE)
            if await self._database.write(job) < FORGET_AT_ONCE:
                return

    async def _exhaust(self, run: Run) -> None:
        text = f"The worker was lost in each of {run.attempt} attempts."
        await self._finisher.fail(run, self._source(run), GraphFailed("WorkerLost", text))

    async def _finish_cut(self, run: Run) -> None:
        if run.cancel_action is CancelAction.ROLLBACK:
            await self._finisher.roll_back(run)
        else:
            await self._finisher.interrupt(run, self._source(run))

    def _source(self, run: Run) -> GraphSource | None:
        return self._registry.source(run.graph_id) if run.graph_id in self._registry else None
