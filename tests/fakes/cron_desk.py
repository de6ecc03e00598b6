"""Schedulers as worker processes put them together, over a database that they share."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, select, update

from fakes.clock import TurnedClock
from fakes.run_creators import run_creator
from outrigger_server.api.run_requests import read_run_request
from outrigger_server.brokers.base import Wakeups
from outrigger_server.brokers.in_process import InProcessWakeups
from outrigger_server.crons.fire import CronFirer
from outrigger_server.crons.register import CronOrder, CronRegister
from outrigger_server.crons.requests import CronRuns
from outrigger_server.crons.scheduler import CronScheduler
from outrigger_server.crons.telemetry import CronTelemetry
from outrigger_server.domain.assistant import Assistant, system_assistant
from outrigger_server.domain.cron import Cron, OnRunCompleted
from outrigger_server.domain.run import Run, ThreadId
from outrigger_server.domain.webhook import WebhookRules
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.graphs.source import Factory, GraphSource
from outrigger_server.runs.webhook_guard import WebhookGuard
from outrigger_server.stores.assistants import put_system_assistants
from outrigger_server.stores.base import Database
from outrigger_server.stores.run_rows import RUN_COLUMNS, to_run
from outrigger_server.stores.tables import crons
from outrigger_server.stores.thread_search import ThreadFilter, count_threads
from outrigger_server.stores.threads import create_thread
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import local_metrics

GRAPH = "graph"


def never() -> None:
    """A factory that no cron calls: crons create runs, workers make graphs."""
    raise AssertionError


async def _public(host: str) -> list[str]:
    """The addresses of every host, but for one that is this machine."""
    return ["127.0.0.1"] if host == "here.test" else ["93.184.216.34"]


class CronDesk:
    """One process's scheduler, told by hand when to look."""

    def __init__(
        self,
        database: Database,
        clock: TurnedClock,
        *,
        at_once: int = 100,
        changes: Wakeups | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.metrics = local_metrics()
        self.changes = changes or InProcessWakeups()
        self.creator = run_creator(database, clock)
        origin = Factory("never", never, takes_config=False)
        runs = CronRuns(GraphRegistry({GRAPH: GraphSource(GRAPH, origin)}), read_run_request)
        guard = WebhookGuard(WebhookRules(), _public)
        self.register = CronRegister(database, runs, guard, clock, self.changes)
        telemetry = CronTelemetry(self.metrics)
        self.firer = CronFirer(database, runs, self.creator, clock, telemetry)
        self.scheduler = CronScheduler(database, self.firer, self.changes, clock, at_once=at_once)

    async def assistant(self) -> Assistant:
        made = system_assistant(GRAPH, None, self.clock.now())
        await self.database.write(partial(put_system_assistants, wanted=[made]))
        return made

    async def thread(self, thread_id: str = "00000000-0000-0000-0000-00000000000a") -> ThreadId:
        thread = ThreadId(thread_id)
        job = partial(create_thread, thread_id=thread, metadata={}, now=self.clock.now())
        await self.database.write(job)
        return thread

    async def cron(
        self,
        schedule: str = "* * * * *",
        *,
        thread_id: ThreadId | None = None,
        payload: Mapping[str, Any] | None = None,
        keep: bool = False,
        **fields: Any,
    ) -> Cron:
        assistant = await self.assistant()
        order = {
            "assistant_id": assistant.assistant_id,
            "thread_id": thread_id,
            "schedule": schedule,
            "timezone": None,
            "end_at": None,
            "payload": {"assistant_id": assistant.assistant_id, **(payload or {})},
            "metadata": {},
            "on_run_completed": OnRunCompleted.KEEP if keep else OnRunCompleted.DELETE,
            "enabled": True,
        }
        return await self.register.create(CronOrder(**order | fields))

    async def fire_all(self) -> float:
        """Look until nothing is due; return how long the scheduler would sleep."""
        while (pause := await self.scheduler.fire_due()) == 0:
            pass
        return pause

    async def runs(self) -> list[Run]:
        """Every run there is, the oldest first."""

        def job(connection: Connection) -> list[Run]:
            query = select(*RUN_COLUMNS).order_by("created_at")
            return [to_run(row) for row in connection.execute(query).mappings()]

        return await self.database.read(job)

    async def thread_count(self) -> int:
        return await self.database.read(partial(count_threads, wanted=ThreadFilter()))

    async def spoil(self, cron: Cron, **fields: Any) -> None:
        """Write what the register would refuse, as an older version may have left it."""
        statement = update(crons).where(crons.c.cron_id == cron.cron_id).values(**fields)

        def job(connection: Connection) -> None:
            connection.execute(statement)

        await self.database.write(job)

    def counted(self, result: str) -> float:
        return self.metrics.value(specs.CRON_FIRES_TOTAL, result=result)
