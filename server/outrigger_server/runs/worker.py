"""The worker: claims runs when it is woken, has as many at once as it has slots."""

import asyncio
from functools import partial
from types import TracebackType
from typing import Self

from structlog.contextvars import bound_contextvars

from outrigger_server.brokers.base import Wakeups
from outrigger_server.domain.clock import MICROSECONDS, Clock
from outrigger_server.domain.run import AttemptToken, Lease, Run, RunId
from outrigger_server.errors import GraphFailed, Unavailable
from outrigger_server.graphs.loop import GraphTask
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.runs.attempt import Attempt, Order
from outrigger_server.runs.finish import Finisher
from outrigger_server.runs.lease import LeaseKeeper
from outrigger_server.runs.recovery import Recovery
from outrigger_server.runs.supervise import Supervisor
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.settings import WorkerSettings
from outrigger_server.stores import traces
from outrigger_server.stores.base import Database
from outrigger_server.stores.claims import Claimed, Renewal, claim_runs
from outrigger_telemetry.logging import get_logger

POLL_SECONDS = 5.0
"""The safety net under lost wake-ups."""

RETRY_SECONDS = 1.0

log = get_logger("outrigger.runs")


class Worker:
    """Runs runs; open it with `async with`, stop it with `drain` before leaving.

    A slot is taken from the claim until the attempt is quiet: zombies keep theirs.
    """

    def __init__(  # noqa: PLR0913  the parts of the engine, each passed in
        self,
        *,
        owner: str,
        database: Database,
        wakeups: Wakeups,
        clock: Clock,
        registry: GraphRegistry,
        supervisor: Supervisor,
        finisher: Finisher,
        recovery: Recovery,
        telemetry: RunTelemetry,
        settings: WorkerSettings,
    ) -> None:
        self._owner = owner
        self._database = database
        self._wakeups = wakeups
        self._clock = clock
        self._registry = registry
        self._supervisor = supervisor
        self._finisher = finisher
        self._recovery = recovery
        self._telemetry = telemetry
        self._settings = settings
        self._attempts: dict[str, Attempt] = {}
        self._works: set[asyncio.Task[None]] = set()
        self._zombies: set[asyncio.Task[None]] = set()
        self._reserved = 0
        self._claimed = 0  # slots of a claim under way
        self._caught_up = False
        self._stopping = False
        self._handing_back = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks = asyncio.TaskGroup()
        self._leases = LeaseKeeper(
            database,
            clock,
            settings.lease_seconds,
            tokens=self._tokens,
            heard=self._heard,
            well=telemetry.worker_well,
        )

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._recovery.take_over()
        await self._tasks.__aenter__()
        self._leases.__enter__()
        self._claiming = self._tasks.create_task(self._claim_until_stopped(), name="claims")
        self._sweeping = self._tasks.create_task(self._sweep_for_ever(), name="sweeps")
        self._wakeups.notify()
        self._show_slots()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.drain(0)
        self._sweeping.cancel()
        for zombie in self._zombies:
            zombie.cancel()
        try:
            await self._tasks.__aexit__(None, None, None)
        finally:
            self._leases.__exit__(None, None, None)

    async def drain(self, grace_seconds: float) -> None:
        """Claim no more, wait for the runs up to the grace, hand the rest back.

        Safe to call twice. Returns when every end is on disk.
        """
        self._stopping = True
        self._wakeups.notify()
        await asyncio.wait({self._claiming})
        try:
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        except TimeoutError:
            self._handing_back = True
            for attempt in self._attempts.values():
                attempt.tell(Order.HAND_BACK)
        await self._idle.wait()

    def abandon(self) -> None:
        """Let go of every attempt, whatever its end; the next start takes the runs over."""
        for work in self._works:
            work.cancel()

    @property
    def free_slots(self) -> int:
        """Slots that a claim may fill."""
        taken = len(self._attempts) + len(self._zombies) + self._reserved + self._claimed
        return self._settings.worker_slots - taken

    def reserve(self) -> Lease | None:
        """See `Slots.reserve`. None also while runs wait that came before."""
        if self._stopping or not self._caught_up or self.free_slots <= 0:
            return None
        self._reserved += 1
        self._idle.clear()
        return Lease(self._owner, self._leases.until())

    def start(self, run: Run, *, fresh: bool) -> None:
        """See `Slots.start`."""
        self._reserved -= 1
        self._start(run, fresh=fresh)

    def release(self) -> None:
        """See `Slots.release`."""
        self._reserved -= 1
        self._note_idle()
        self._note_free_slot()

    async def _claim_until_stopped(self) -> None:
        pause = POLL_SECONDS
        while not self._stopping:
            await self._wakeups.wait(pause)
            try:
                pause = await self._claim_what_fits()
            except Unavailable as error:
                log.warning("claim_failed", reason=error.code)
                pause = RETRY_SECONDS
            except Exception:  # the edge around one claim: the next one may do better
                log.exception("claim_failed", reason="internal")
                pause = RETRY_SECONDS

    async def _claim_what_fits(self) -> float:
        """Claim until no slot or no due run is left; return how long nothing will change."""
        while not self._stopping and (free := self.free_slots) > 0:
            claimed = await self._claim(free)
            for run in claimed.runs:
                self._start(run)
            self._caught_up = len(claimed.runs) < free
            if self._caught_up:
                return self._until(claimed.next_due)
        self._caught_up = False  # a slot that becomes free is worth a claim
        return POLL_SECONDS

    async def _claim(self, limit: int) -> Claimed:
        self._claimed = limit
        try:
            return await self._database.write(
                partial(
                    claim_runs,
                    owner=self._owner,
                    now=self._clock.now(),
                    lease_until=self._leases.until(),
                    limit=limit,
                )
            )
        finally:
            self._claimed = 0

    def _until(self, due: int | None) -> float:
        if due is None:
            return POLL_SECONDS
        return min(POLL_SECONDS, max(0.0, (due - self._clock.now()) / MICROSECONDS) + 0.001)

    def _start(self, run: Run, *, fresh: bool = False) -> None:
        source = self._registry.source(run.graph_id) if run.graph_id in self._registry else None
        attempt = Attempt(run, source, fresh=fresh)
        if self._handing_back:
            attempt.tell(Order.HAND_BACK)
        self._attempts[attempt.name] = attempt
        self._idle.clear()
        self._show_slots()
        work = self._tasks.create_task(self._work(attempt), name=f"attempt:{attempt.name}")
        self._works.add(work)
        work.add_done_callback(self._works.discard)

    async def _work(self, attempt: Attempt) -> None:
        task = None
        try:
            task = await self._supervise(attempt)
        except (Exception, asyncio.CancelledError):
            # The edge around one run: a fault of ours ends no other run, and the sweep
            # takes this one back once its lease has ended.
            log.exception("attempt_failed", run_id=attempt.run.run_id, attempt=attempt.run.attempt)
        finally:
            del self._attempts[attempt.name]
            if task is not None and not task.quiet.is_set():
                self._keep_slot_of(task)
            self._note_idle()
            self._show_slots()
            self._note_free_slot()

    def _note_free_slot(self) -> None:
        if not self._caught_up:
            self._wakeups.notify_here()

    def _note_idle(self) -> None:
        if not self._attempts and not self._reserved:
            self._idle.set()

    async def _supervise(self, attempt: Attempt) -> GraphTask | None:
        run = attempt.run
        with bound_contextvars(
            run_id=run.run_id,
            attempt=run.attempt,
            thread_id=run.thread_id,
            assistant_id=run.assistant_id,
            graph_id=run.graph_id,
        ):
            self._telemetry.started(run, recovered=run.run_id in self._recovery.requeued)
            self._recovery.requeued.discard(run.run_id)
            if attempt.source is None:
                text = f"This server has no graph '{run.graph_id}' any more."
                await self._finisher.fail(run, None, GraphFailed("GraphMissing", text))
                return None
            if run.attempt > 1:
                found = await self._database.read(partial(traces.footing, run_id=run.run_id))
                attempt.at_head = found.has_checkpoint
                attempt.resume = found.has_checkpoint or found.has_write
            return await self._supervisor.supervise(attempt, attempt.source)

    def _keep_slot_of(self, task: GraphTask) -> None:
        zombie = self._tasks.create_task(self._bury(task), name=f"zombie:{task.name}")
        self._zombies.add(zombie)
        zombie.add_done_callback(self._free_slot_of)

    async def _bury(self, task: GraphTask) -> None:
        await task.quiet.wait()

    def _free_slot_of(self, zombie: asyncio.Task[None]) -> None:
        self._zombies.discard(zombie)
        self._show_slots()
        self._note_free_slot()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_seconds)
            try:
                await self._recovery.sweep(self._live())
                await self._recovery.forget_keys()
            except Unavailable as error:
                log.warning("sweep_failed", reason=error.code)
            except Exception:  # the edge around one sweep
                log.exception("sweep_failed", reason="internal")

    def _live(self) -> frozenset[RunId]:
        return frozenset(attempt.run.run_id for attempt in tuple(self._attempts.values()))

    def _tokens(self) -> list[AttemptToken]:
        return [attempt.run.token for attempt in tuple(self._attempts.values())]

    def _heard(self, renewal: Renewal) -> None:
        self._loop.call_soon_threadsafe(self._pass_on, renewal)

    def _pass_on(self, renewal: Renewal) -> None:
        for token, action in renewal.cancelled:
            attempt = self._attempts.get(f"{token.run_id}/{token.attempt}")
            if attempt is not None:
                attempt.tell_cancel(action)
        for token in renewal.lost:
            attempt = self._attempts.get(f"{token.run_id}/{token.attempt}")
            if attempt is not None:
                attempt.tell(Order.LET_GO)

    def _show_slots(self) -> None:
        busy = len(self._attempts)
        self._telemetry.slots(busy=busy, idle=max(0, self.free_slots), zombie=len(self._zombies))
