"""Puts the server together: the only place that names a database and a broker."""

import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from outrigger_server.api import assistants, runs, stateless_runs, system, threads
from outrigger_server.api.access import Access
from outrigger_server.api.lg_page import LgPage
from outrigger_server.api.problems import install_problems
from outrigger_server.api.services import Services
from outrigger_server.assistants.directory import AssistantDirectory
from outrigger_server.brokers.base import CancelSignals, EventLog, Wakeups
from outrigger_server.brokers.in_process import (
    InProcessCancelSignals,
    InProcessEventLog,
    InProcessWakeups,
)
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.run import Run
from outrigger_server.domain.webhook import WebhookRules
from outrigger_server.graphs.invoke import SERVER_VERSION
from outrigger_server.graphs.loop import GraphLoop
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.runs.cancel import RunCanceller
from outrigger_server.runs.create import RunCreator
from outrigger_server.runs.errands import Errands
from outrigger_server.runs.execute import Executor
from outrigger_server.runs.finish import Finisher
from outrigger_server.runs.lag import lag_watched, watch_lag
from outrigger_server.runs.recovery import Recovery
from outrigger_server.runs.supervise import Supervisor
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.runs.temporary import TemporaryThreads
from outrigger_server.runs.watch import RunWatcher
from outrigger_server.runs.webhook_guard import Resolver, WebhookGuard
from outrigger_server.runs.webhook_sender import WebhookSender
from outrigger_server.runs.worker import Worker
from outrigger_server.settings import ServerSettings, Settings
from outrigger_server.stores.base import Database
from outrigger_server.stores.sqlite import SqliteDatabase
from outrigger_server.threads.state import ThreadStates
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import Metrics

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

    async def drain(self, grace_seconds: float) -> None:
        """Claim no more, hand back what does not end in time, let the readers go."""
        if self.worker is not None:
            await self.worker.drain(grace_seconds)
        self.events.abandon()

    def abandon(self) -> None:
        """Stop waiting for runs whose end cannot be stored; the next start takes them over."""
        if self.worker is not None:
            self.worker.abandon()


@dataclass(frozen=True, slots=True)
class _Broker:
    events: EventLog
    wakeups: Wakeups
    cancels: CancelSignals


async def _open_database(stack: AsyncExitStack, settings: Settings) -> Database:
    scale = settings.scale
    if scale.postgres_uri is None:
        return await stack.enter_async_context(SqliteDatabase(settings.storage.data_dir))
    from outrigger_server.stores.postgres import PostgresDatabase  # an extra of its own

    database = PostgresDatabase(
        scale.postgres_uri.get_secret_value(),
        max_connections=scale.postgres_connections,
        upgrade=scale.migrate_on_start,
    )
    return await stack.enter_async_context(database)


async def _open_broker(
    stack: AsyncExitStack, settings: Settings, clock: Clock, telemetry: RunTelemetry
) -> _Broker:
    streams = settings.streams
    if settings.scale.redis_uri is None:
        events = InProcessEventLog(
            clock, limit=streams.stream_buffer_events, keep_seconds=streams.stream_ttl_seconds
        )
        return _Broker(events, InProcessWakeups(), InProcessCancelSignals())
    from outrigger_server.brokers.redis.broker import RedisBroker  # an extra of its own

    broker = RedisBroker(
        settings.scale.redis_uri.get_secret_value(),
        clock,
        limit=streams.stream_buffer_events,
        keep_seconds=streams.stream_ttl_seconds,
        lost=telemetry.events_lost,
    )
    opened = await stack.enter_async_context(broker)
    return _Broker(opened.events, opened.wakeups, opened.cancels)


@asynccontextmanager
async def open_server(
    settings: Settings,
    registry: GraphRegistry,
    metrics: Metrics,
    webhook_rules: WebhookRules | None = None,
) -> AsyncIterator[Running]:
    """Open every part in the order they need one another, and close them in reverse.

    Raises:
        ConfigurationError: The data directory or PostgreSQL cannot be used.
    """
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        telemetry = RunTelemetry(
            metrics, backend="postgres" if settings.scale.postgres_uri else "sqlite"
        )
        database = await _open_database(stack, settings)
        graph_loop = await stack.enter_async_context(GraphLoop(settings.worker.node_threads))
        broker = await _open_broker(stack, settings, clock, telemetry)
        events, wakeups, cancels = broker.events, broker.wakeups, broker.cancels
        assistant_directory = AssistantDirectory(database, registry, clock)
        await assistant_directory.put_system_assistants()
        rules = webhook_rules or WebhookRules()
        guard = WebhookGuard(rules, stack.enter_context(Resolver()).resolve)
        afterwards: list[Callable[[Run], None]] = []
        if not settings.server.no_worker:
            sender = WebhookSender(
                database=database,
                clock=clock,
                metrics=metrics,
                guard=guard,
                rules=rules,
                settings=settings.webhooks,
            )
            temporary = TemporaryThreads(
                database,
                clock,
                keep_seconds=LOST_MESSAGE_SECONDS if settings.scale.redis_uri else 0.0,
                sweep_seconds=settings.worker.lease_seconds,
            )
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
            alone=settings.scale.postgres_uri is None,
        )
        supervisor = Supervisor(
            graph_loop=graph_loop,
            executor=Executor(database, events, telemetry),
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
        errands = await stack.enter_async_context(Errands())
        graph_loop.start("lag", watch_lag(metrics, "worker"))
        await stack.enter_async_context(lag_watched(metrics, "api"))
        watcher = RunWatcher(database, events)
        states = ThreadStates(database, registry, graph_loop, clock, telemetry, wakeups)
        services = Services(
            settings=settings,
            database=database,
            events=events,
            clock=clock,
            metrics=metrics,
            assistants=assistant_directory,
            states=states,
            creator=RunCreator(database, events, cancels, wakeups, clock, telemetry, slots=worker),
            canceller=RunCanceller(
                database, states, watcher, events, cancels, wakeups, clock, telemetry
            ),
            watcher=watcher,
            errands=errands,
            webhooks=guard,
            lg_page=LgPage(MetricFiles(settings.storage.metrics_dir), database, clock),
        )
        yield Running(services, events, worker, graph_loop)


def make_api(services: Services) -> FastAPI:
    """The ASGI application over open services."""
    app = FastAPI(title="Outrigger", version=SERVER_VERSION, redirect_slashes=False)
    app.state.services = services
    install_problems(app)
    for router in (
        system.router,
        assistants.router,
        threads.router,
        runs.router,
        stateless_runs.router,
    ):
        app.include_router(router)
    _add_middleware(app, services.settings.server, services.metrics)
    return app


def _add_middleware(app: FastAPI, settings: ServerSettings, metrics: Metrics) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.cors_origins),
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["x-pagination-total", "x-pagination-next", "content-location"],
    )
    app.add_middleware(
        Access,
        metrics=metrics,
        max_body_bytes=settings.max_body_bytes,
        counts_statuses=settings.lg_api_metrics,
    )
