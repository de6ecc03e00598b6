"""Fires one cron: its run and its next time are one transaction, so each time counts once."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from outrigger_server.crons.requests import CronRuns
from outrigger_server.crons.telemetry import CronTelemetry
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.cron import Cron
from outrigger_server.domain.run import RunRequest, ThreadId
from outrigger_server.errors import RequestError, Unavailable
from outrigger_server.runs.create import RunCreator
from outrigger_server.stores.base import Database
from outrigger_server.stores.crons import advance_cron, stop_cron
from outrigger_server.stores.runs import Created, create_run
from outrigger_telemetry.logging import get_logger

log = get_logger("outrigger.crons")


@dataclass(frozen=True, slots=True)
class Fired:
    """What came of a cron that was due; without a run its end had come."""

    cron: Cron
    thread_id: ThreadId
    request: RunRequest | None = None
    created: Created | None = None


class CronFirer:
    """Creates the runs of crons that are due. Any number of processes may try the same one."""

    def __init__(
        self,
        database: Database,
        runs: CronRuns,
        creator: RunCreator,
        clock: Clock,
        telemetry: CronTelemetry,
    ) -> None:
        self._database = database
        self._runs = runs
        self._creator = creator
        self._clock = clock
        self._telemetry = telemetry

    async def fire(self, cron: Cron) -> None:
        """Create the cron's run, unless another process was faster; then say when it is due next.

        A cron whose run cannot be created is counted, logged and goes on with its next time.

        Raises:
            Unavailable: Nothing was stored; the cron is still due.
        """
        try:
            fired = await self._database.write(partial(self._job, cron))
        except Unavailable:
            raise
        except RequestError as error:
            if await self._pass_over(cron):
                self._telemetry.invalid(cron, error.message)
        except Exception:  # the edge around one cron: the others are due as well
            log.exception("cron_failed", cron_id=cron.cron_id)
            if await self._pass_over(cron):
                self._telemetry.failed()
        else:
            if fired is not None:
                self._tell(fired)

    def _job(self, cron: Cron, connection: Connection) -> Fired | None:
        now = self._clock.now()
        due = advance_cron(connection, cron, now)
        if due is None:
            return None
        thread_id = due.thread_id or ThreadId(str(uuid7()))
        if due.has_ended(now):
            return Fired(due, thread_id)
        request = self._runs.request(connection, due, thread_id)
        if due.thread_id is None:
            self._creator.make_thread(connection, thread_id, request, now)
        created = create_run(connection, thread_id, request, now)
        return Fired(due, thread_id, request, created)

    def _tell(self, fired: Fired) -> None:
        if fired.created is None or fired.request is None:
            self._telemetry.ended(fired.cron)
        elif fired.created.run is None:
            self._creator.refused(fired.thread_id, fired.request, fired.created)
            self._telemetry.busy(fired.cron)
        else:
            self._creator.carry_out(fired.created, fired.created.run)
            self._telemetry.fired(fired.cron, fired.created.run, self._clock.now())

    async def _pass_over(self, cron: Cron) -> bool:
        """Go on with the next time, and switch a cron off that has none; False if others did."""
        now = self._clock.now()
        try:
            passed = await self._database.write(partial(advance_cron, cron=cron, now=now))
        except RequestError:
            return await self._database.write(partial(stop_cron, cron_id=cron.cron_id, now=now))
        return passed is not None
