"""Puts the server together, over its foundation."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from outrigger_server.api.lg_page import LgPage
from outrigger_server.api.run_requests import read_run_request
from outrigger_server.api.services import Services
from outrigger_server.assistants.directory import AssistantDirectory
from outrigger_server.assistants.drawings import AssistantDrawings
from outrigger_server.assistants.editor import AssistantEditor
from outrigger_server.backends import off_this_loop
from outrigger_server.brokers.base import EventLog
from outrigger_server.crons.fire import CronFirer
from outrigger_server.crons.register import CronRegister
from outrigger_server.crons.requests import CronRuns
from outrigger_server.crons.scheduler import CronScheduler
from outrigger_server.crons.telemetry import CronTelemetry
from outrigger_server.foundation import Foundation, open_foundation
from outrigger_server.graphs.loop import GraphLoop
from outrigger_server.graphs.manifest import Manifest
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.runs.cancel import RunCanceller
from outrigger_server.runs.create import RunCreator
from outrigger_server.runs.errands import Errands
from outrigger_server.runs.lag import lags_watched
from outrigger_server.runs.prune import Pruner
from outrigger_server.runs.tracing import RunTracing
from outrigger_server.runs.watch import RunWatcher
from outrigger_server.runs.worker import Worker
from outrigger_server.settings import Settings
from outrigger_server.stores.items import FencedStore
from outrigger_server.threads.changes import StateChanges
from outrigger_server.threads.copies import ThreadCopier
from outrigger_server.threads.create import ThreadCreator
from outrigger_server.threads.state import ThreadStates
from outrigger_server.working import open_worker
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Running:
    """The server's parts while they are open."""

    services: Services
    events: EventLog
    worker: Worker | None
    graph_loop: GraphLoop
    scheduler: CronScheduler | None
    tracing: RunTracing

    @property
    def stuck(self) -> bool:
        """True after the end when a thread is left that would keep the process."""
        return self.graph_loop.stuck or self.tracing.stuck

    async def drain(self, grace_seconds: float) -> None:
        """Fire and claim no more, hand back what does not end in time, let the readers go."""
        if self.scheduler is not None:
            await self.scheduler.stop()
        if self.worker is not None:
            await self.worker.drain(grace_seconds)
        self.events.abandon()

    def abandon(self) -> None:
        """Stop waiting for runs whose end cannot be stored; the next start takes them over."""
        if self.worker is not None:
            self.worker.abandon()


@asynccontextmanager
async def open_server(
    settings: Settings, registry: GraphRegistry, metrics: Metrics, manifest: Manifest
) -> AsyncIterator[Running]:
    """Open every part in the order they need one another, and close them in reverse.

    Raises:
        ConfigurationError: See `open_foundation`.
    """
    async with AsyncExitStack() as stack:
        base = await open_foundation(stack, settings, registry, metrics, manifest)
        assistants = AssistantDirectory(base.database, registry, base.clock)
        await assistants.put_system_assistants()
        worker = None if settings.server.no_worker else await open_worker(stack, base)
        errands = await stack.enter_async_context(Errands())
        await stack.enter_async_context(lags_watched(metrics, base.graph_loop))
        creator = _creator(base, worker)
        cron_runs = CronRuns(registry, read_run_request)
        scheduler = None
        if worker is not None:
            firer = CronFirer(base.database, cron_runs, creator, base.clock, CronTelemetry(metrics))
            scheduler = await stack.enter_async_context(
                CronScheduler(base.database, firer, base.broker.cron_changes, base.clock)
            )
        services = _services(base, assistants, creator, cron_runs, errands)
        yield Running(
            services, base.broker.events, worker, base.graph_loop, scheduler, base.tracing
        )


def _creator(base: Foundation, worker: Worker | None) -> RunCreator:
    return RunCreator(
        base.database,
        base.broker.events,
        base.broker.cancels,
        base.broker.wakeups,
        base.clock,
        base.telemetry,
        slots=worker,
        thread_ttl=base.manifest.retention.threads,
    )


def _services(
    base: Foundation,
    assistants: AssistantDirectory,
    creator: RunCreator,
    cron_runs: CronRuns,
    errands: Errands,
) -> Services:
    """What the endpoints ask."""
    database, registry, clock, broker = base.database, base.registry, base.clock, base.broker
    watcher = RunWatcher(database, broker.events)
    changes = StateChanges(
        database,
        registry,
        base.graph_loop,
        clock,
        base.telemetry,
        broker.wakeups,
        events=broker.events,
        item_rules=base.item_rules,
    )
    canceller = RunCanceller(
        database,
        changes,
        watcher,
        broker.events,
        broker.cancels,
        broker.wakeups,
        clock,
        base.telemetry,
    )
    threads = ThreadCreator(
        database,
        registry,
        base.graph_loop,
        clock,
        base.telemetry,
        base.manifest.retention.threads,
        base.item_rules,
    )
    indexing = off_this_loop(base.item_rules, base.graph_loop)
    return Services(
        settings=base.settings,
        database=database,
        events=broker.events,
        counters=broker.counters,
        clock=clock,
        metrics=base.metrics,
        assistants=assistants,
        editor=AssistantEditor(database, registry, clock),
        drawings=AssistantDrawings(database, registry),
        states=ThreadStates(database, registry),
        changes=changes,
        thread_creator=threads,
        copier=ThreadCopier(database, changes, clock),
        pruner=Pruner(database, canceller),
        items=FencedStore(database, None, base.telemetry, indexing),
        creator=creator,
        canceller=canceller,
        watcher=watcher,
        errands=errands,
        crons=CronRegister(database, cron_runs, base.webhook_guard, clock, broker.cron_changes),
        webhooks=base.webhook_guard,
        lg_page=LgPage(MetricFiles(base.settings.storage.metrics_dir), database, clock),
    )
