"""Puts the server together: the only place that names a database and a broker."""

import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from outrigger_server.api.services import Services
from outrigger_server.assistants.directory import AssistantDirectory
from outrigger_server.brokers.base import CancelSignals, EventLog, Wakeups
from outrigger_server.brokers.in_process import (
    InProcessCancelSignals,
    InProcessEventLog,
    InProcessWakeups,
)
from outrigger_server.domain.clock import Clock
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
from outrigger_server.runs.watch import RunWatcher
from outrigger_server.runs.worker import Worker
from outrigger_server.settings import Settings
from outrigger_server.stores.base import Database
from outrigger_server.stores.sqlite import SqliteDatabase
from outrigger_server.threads.state import ThreadStates
from outrigger_telemetry.metrics import Metrics


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
        alone=scale.redis_uri is None,
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
    settings: Settings, registry: GraphRegistry, metrics: Metrics
) -> AsyncIterator[Running]:
    """Open every part in the order they need one another, and close them in reverse.

    Raises:
        ConfigurationError: The data directory or PostgreSQL cannot be used, or another process
            that nothing joins to this one uses it.
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
        finisher = Finisher(database, events, wakeups, clock, telemetry)
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
        )
        yield Running(services, events, worker, graph_loop)
