"""Puts the server together, over the backends that are opened."""

import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from outrigger_server.api.lg_page import LgPage
from outrigger_server.api.run_requests import read_run_request
from outrigger_server.api.services import Services
from outrigger_server.assistants.directory import AssistantDirectory
from outrigger_server.assistants.drawings import AssistantDrawings
from outrigger_server.assistants.editor import AssistantEditor
from outrigger_server.backends import item_rules, off_this_loop, open_broker, open_database
from outrigger_server.brokers.base import EventLog
from outrigger_server.crons.fire import CronFirer
from outrigger_server.crons.register import CronRegister
from outrigger_server.crons.requests import CronRuns
from outrigger_server.crons.scheduler import CronScheduler
from outrigger_server.crons.telemetry import CronTelemetry
from outrigger_server.domain.run import Run
from outrigger_server.graphs.loop import GraphLoop
from outrigger_server.graphs.manifest import Manifest
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.runs.cancel import RunCanceller
from outrigger_server.runs.create import RunCreator
from outrigger_server.runs.errands import Errands
from outrigger_server.runs.execute import Executor
from outrigger_server.runs.finish import Finisher
from outrigger_server.runs.lag import lags_watched
from outrigger_server.runs.prune import Pruner
from outrigger_server.runs.recovery import Recovery
from outrigger_server.runs.supervise import Supervisor
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.runs.temporary import TemporaryThreads
from outrigger_server.runs.tracing import RunTracing
from outrigger_server.runs.watch import RunWatcher
from outrigger_server.runs.webhook_guard import Resolver, WebhookGuard
from outrigger_server.runs.webhook_sender import WebhookSender
from outrigger_server.runs.worker import Worker
from outrigger_server.settings import Settings
from outrigger_server.stores.items import FencedStore
from outrigger_server.threads.changes import StateChanges
from outrigger_server.threads.copies import ThreadCopier
from outrigger_server.threads.create import ThreadCreator
from outrigger_server.threads.state import ThreadStates
from outrigger_server.threads.sweeps import Sweeper
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import Metrics
from outrigger_telemetry.pools import open_board

LOST_MESSAGE_SECONDS = 10.0
"""How long readers whose message Redis lost may still look up a run whose thread goes with it."""


class SystemClock:
    """The machine's clock, made to never step back within the process."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        self._last = max(self._last, time.time_ns() // 1000)
        return self._last


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
        ConfigurationError: The data directory or PostgreSQL cannot be used, another process that
            nothing joins to this one uses it, or items cannot be indexed.
    """
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        telemetry = RunTelemetry(
            metrics, backend="postgres" if settings.scale.postgres_uri else "sqlite"
        )
        board = await stack.enter_async_context(open_board(metrics))
        database = await open_database(stack, settings, board)
        tracing = await stack.enter_async_context(RunTracing(settings.tracing.environment))
        graph_loop = await stack.enter_async_context(GraphLoop(settings.worker.node_threads))
        rules = await item_rules(manifest, database)
        broker = await open_broker(stack, settings, clock, telemetry, board)
        events, wakeups, cancels = broker.events, broker.wakeups, broker.cancels
        assistant_directory = AssistantDirectory(database, registry, clock)
        await assistant_directory.put_system_assistants()
        guard = WebhookGuard(
            manifest.webhooks,
            stack.enter_context(Resolver()).resolve,
            disabled="webhooks" in manifest.http.disabled,
        )
        sender = WebhookSender(
            database=database,
            clock=clock,
            metrics=metrics,
            guard=guard,
            rules=manifest.webhooks,
            settings=settings.webhooks,
        )
        temporary = TemporaryThreads(
            database,
            events,
            clock,
            keep_seconds=LOST_MESSAGE_SECONDS if settings.scale.redis_uri else 0.0,
            sweep_seconds=settings.worker.lease_seconds,
        )
        afterwards: list[Callable[[Run], None]] = []
        if not settings.server.no_worker:
            afterwards.append((await stack.enter_async_context(sender)).ended)
            afterwards.append((await stack.enter_async_context(temporary)).ended)
        finisher = Finisher(database, events, wakeups, clock, telemetry, afterwards=afterwards)
        recovery = Recovery(
            database,
            registry,
            finisher,
            wakeups,
            clock,
            telemetry,
            max_attempts=settings.worker.max_attempts,
            alone=settings.scale.redis_uri is None,
        )
        supervisor = Supervisor(
            graph_loop=graph_loop,
            executor=Executor(database, events, telemetry, tracing, rules),
            finisher=finisher,
            events=events,
            cancels=cancels,
            settings=settings.worker,
        )
        worker = None
        if not settings.server.no_worker:
            worker = await stack.enter_async_context(
                Worker(
                    owner=f"{socket.gethostname()}-{os.getpid()}",
                    database=database,
                    wakeups=wakeups,
                    clock=clock,
                    registry=registry,
                    supervisor=supervisor,
                    finisher=finisher,
                    recovery=recovery,
                    telemetry=telemetry,
                    settings=settings.worker,
                )
            )
            await stack.enter_async_context(Sweeper(database, events, clock, manifest.retention))
        errands = await stack.enter_async_context(Errands())
        await stack.enter_async_context(lags_watched(metrics, graph_loop))
        watcher = RunWatcher(database, events)
        changes = StateChanges(
            database,
            registry,
            graph_loop,
            clock,
            telemetry,
            wakeups,
            events=events,
            item_rules=rules,
        )
        canceller = RunCanceller(
            database, changes, watcher, events, cancels, wakeups, clock, telemetry
        )
        creator = RunCreator(
            database,
            events,
            cancels,
            wakeups,
            clock,
            telemetry,
            slots=worker,
            thread_ttl=manifest.retention.threads,
        )
        cron_runs = CronRuns(registry, read_run_request)
        scheduler = None
        if worker is not None:
            firer = CronFirer(database, cron_runs, creator, clock, CronTelemetry(metrics))
            scheduler = await stack.enter_async_context(
                CronScheduler(database, firer, broker.cron_changes, clock)
            )
        services = Services(
            settings=settings,
            database=database,
            events=events,
            clock=clock,
            metrics=metrics,
            assistants=assistant_directory,
            editor=AssistantEditor(database, registry, clock),
            drawings=AssistantDrawings(database, registry),
            states=ThreadStates(database, registry),
            changes=changes,
            thread_creator=ThreadCreator(
                database, registry, graph_loop, clock, telemetry, manifest.retention.threads, rules
            ),
            copier=ThreadCopier(database, changes, clock),
            pruner=Pruner(database, canceller),
            items=FencedStore(database, None, telemetry, off_this_loop(rules, graph_loop)),
            creator=creator,
            canceller=canceller,
            watcher=watcher,
            errands=errands,
            crons=CronRegister(database, cron_runs, guard, clock, broker.cron_changes),
            webhooks=guard,
            lg_page=LgPage(MetricFiles(settings.storage.metrics_dir), database, clock),
        )
        yield Running(services, events, worker, graph_loop, scheduler, tracing)
