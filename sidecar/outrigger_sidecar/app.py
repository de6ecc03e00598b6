"""Puts the sidecar together and runs it. The only place that names probes and collectors."""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from outrigger_sidecar.canary import Canary, Song, keep_singing
from outrigger_sidecar.collectors.base import Collector
from outrigger_sidecar.collectors.container import ContainerCollector
from outrigger_sidecar.collectors.health import HealthCollector
from outrigger_sidecar.collectors.metric_files import MetricFilesCollector, keep_folded
from outrigger_sidecar.collectors.own import OwnMetricsCollector
from outrigger_sidecar.collectors.page import Page
from outrigger_sidecar.collectors.process import ProcessCollector
from outrigger_sidecar.collectors.queue import QueueCollector
from outrigger_sidecar.collectors.relay import RelayCollector
from outrigger_sidecar.collectors.remote_server import RemoteServerCollector
from outrigger_sidecar.collectors.remote_threads import RemoteThreadsCollector
from outrigger_sidecar.collectors.runs import RunsCollector
from outrigger_sidecar.collectors.traces import TracesCollector
from outrigger_sidecar.collectors.workers import WorkersCollector
from outrigger_sidecar.errors import ConfigurationError
from outrigger_sidecar.http.auth import Credentials, Guard
from outrigger_sidecar.http.connection import Limits
from outrigger_sidecar.http.health import health_routes
from outrigger_sidecar.http.index import index_routes
from outrigger_sidecar.http.listening import open_doors, warn_of_strangers
from outrigger_sidecar.http.metrics import metrics_routes
from outrigger_sidecar.http.refusals import make_refusals
from outrigger_sidecar.http.relay import relay_routes
from outrigger_sidecar.http.serving import http_server, serve_until_stopped
from outrigger_sidecar.probes.base import Probe
from outrigger_sidecar.probes.cpu import CpuProbe
from outrigger_sidecar.probes.database import DatabaseProbe
from outrigger_sidecar.probes.disk import DiskProbe
from outrigger_sidecar.probes.memory import MemoryProbe
from outrigger_sidecar.probes.monitor import HealthMonitor, Rhythm, open_monitor
from outrigger_sidecar.probes.off import OffProbe
from outrigger_sidecar.probes.queue import QueueProbe
from outrigger_sidecar.probes.relay import RelayProbe
from outrigger_sidecar.probes.remote_queue import RemoteQueueProbe
from outrigger_sidecar.probes.remote_workers import RemoteWorkersProbe
from outrigger_sidecar.probes.server import ServerProbe
from outrigger_sidecar.probes.workers import WorkersProbe
from outrigger_sidecar.relay.opening import open_relay
from outrigger_sidecar.relay.relay import Relay
from outrigger_sidecar.remote_server import RemoteServer
from outrigger_sidecar.run_database.base import RunDatabase
from outrigger_sidecar.run_database.sqlite import SqliteRunDatabase
from outrigger_sidecar.settings import Settings
from outrigger_sidecar.traces.deriver import TraceDeriver
from outrigger_sidecar.traces.prices import load_prices
from outrigger_telemetry import metric_specs
from outrigger_telemetry.logging import configure_logging, get_logger
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import Metrics, local_metrics, specs_of

# Counted in this process; the rest of the sidecar's metrics is found out at each scrape.
OWN_METRICS = (
    metric_specs.DB_PROBE_SECONDS,
    metric_specs.REDIS_PROBE_SECONDS,
    metric_specs.HEALTH_CHECK_SECONDS,
    metric_specs.SIDECAR_BUILD_INFO,
    metric_specs.LOG_LINES_TOTAL,
    metric_specs.LABEL_OVERFLOW_TOTAL,
    metric_specs.HEALTH_TRANSITIONS_TOTAL,
    metric_specs.SIDECAR_REFUSED_TOTAL,
    metric_specs.CANARY_SECONDS,
    *specs_of("relay"),
)

GARBAGE_OBJECTS = 20_000
"""New objects until garbage is looked for; a page has thousands, and none is garbage."""

log = get_logger("outrigger_sidecar")


@dataclass(frozen=True, slots=True)
class Watched:
    """What there is to look at: the server's files and database, or its API alone."""

    files: MetricFiles
    database: RunDatabase
    server: RemoteServer | None = None
    """The server, when its API alone is seen."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Who takes traces in, and who derives series from them."""

    relay: Relay
    deriver: TraceDeriver


def make_probes(
    settings: Settings, watched: Watched, metrics: Metrics, relay: Relay
) -> list[Probe]:
    """Make every probe, in the order in which /health shows them."""
    of_relay = RelayProbe(relay.standing, failing_seconds=settings.relay_failing_seconds)
    if watched.server is not None:
        return [*_remote_probes(settings, watched.server), of_relay]
    database, files = watched.database, watched.files
    return [
        DatabaseProbe(database, metrics),
        make_redis_probe(settings, metrics),
        MemoryProbe(limit_ratio=settings.memory_limit_ratio),
        CpuProbe(limit_ratio=settings.cpu_limit_ratio, clock=time.monotonic),
        make_server_probe(settings),
        WorkersProbe(files, elsewhere=bool(settings.postgres_uri and settings.target)),
        QueueProbe(database, files, stall_seconds=settings.queue_stall_seconds, clock=time.time),
        DiskProbe(settings.data_dir, free_ratio=settings.disk_free_ratio),
        of_relay,
    ]


def _remote_probes(settings: Settings, server: RemoteServer) -> list[Probe]:
    return [
        OffProbe("database", "its database cannot be seen from here"),
        OffProbe("redis", "its Redis cannot be seen from here"),
        MemoryProbe(limit_ratio=settings.memory_limit_ratio),
        CpuProbe(limit_ratio=settings.cpu_limit_ratio, clock=time.monotonic),
        make_server_probe(settings),
        RemoteWorkersProbe(server),
        RemoteQueueProbe(server, stall_seconds=settings.queue_stall_seconds),
        OffProbe("disk", "its disk cannot be seen from here"),
    ]


def make_server_probe(settings: Settings) -> Probe:
    """Make the probe of the server; beside a worker there is none."""
    if not settings.target:
        return OffProbe("server", "there is no server beside this sidecar")
    return ServerProbe(settings.target, timeout=settings.probe_timeout_seconds)


def make_redis_probe(settings: Settings, metrics: Metrics) -> Probe:
    """Make the probe of Redis, which only several processes have.

    Raises:
        ConfigurationError: The setting, or what the program is installed with, is wrong.
    """
    if settings.redis_uri is None:
        return OffProbe("redis", "one process needs no Redis")
    with _extra("REDIS_URI", "redis"):
        from outrigger_sidecar.probes.redis import RedisProbe
    return RedisProbe(
        settings.redis_uri.get_secret_value(), metrics, timeout=settings.probe_timeout_seconds
    )


def open_database(settings: Settings) -> RunDatabase:
    """Make the reader of the server's database; it connects when first asked.

    Raises:
        ConfigurationError: As for `make_redis_probe`.
    """
    if settings.postgres_uri is None:
        return SqliteRunDatabase(settings.database_path)
    with _extra("POSTGRES_URI", "postgres"):
        from outrigger_sidecar.run_database.postgres import PostgresRunDatabase
    uri = settings.postgres_uri.get_secret_value()
    return PostgresRunDatabase(uri, seconds=settings.probe_timeout_seconds)


@contextmanager
def _extra(setting: str, extra: str) -> Iterator[None]:
    """Imported only when asked for: the embedded sidecar stays small and needs no driver."""
    try:
        yield
    except ImportError as error:
        fault = f"{setting} needs a driver: pip install 'langgraph-outrigger[sidecar,{extra}]'"
        raise ConfigurationError([fault]) from error


def make_deriver(settings: Settings, metrics: Metrics) -> TraceDeriver:
    """Make what derives series from the operations of traces.

    Raises:
        ConfigurationError: The file of prices makes no sense.
    """
    return TraceDeriver(
        metrics,
        load_prices(settings.prices_file),
        clock=time.monotonic,
        ttl_seconds=settings.trace_ttl_seconds,
        max_open=settings.max_open_traces,
    )


def make_collectors(
    settings: Settings,
    watched: Watched,
    metrics: Metrics,
    monitor: HealthMonitor,
    workers: WorkersCollector,
    traces: Traces,
) -> list[Collector]:
    """Make every collector, in the order in which /metrics shows them."""
    files, stall_seconds = watched.files, settings.queue_stall_seconds
    about_itself: list[Collector] = [
        ProcessCollector(files),
        ContainerCollector(),
        HealthCollector(monitor.reports),
        TracesCollector(traces.deriver.open_ages),
        RelayCollector(traces.relay.standing),
        OwnMetricsCollector(metrics),
    ]
    if watched.server is not None:
        return [
            RemoteServerCollector(watched.server, stall_seconds=stall_seconds),
            RemoteThreadsCollector(watched.server, clock=time.monotonic),
            *about_itself,
        ]
    return [
        MetricFilesCollector(files),
        workers,
        QueueCollector(watched.database, files, stall_seconds=stall_seconds, clock=time.time),
        RunsCollector(watched.database, clock=time.monotonic),
        *about_itself,
    ]


def make_canary(settings: Settings, metrics: Metrics) -> Canary | None:
    """Make the canary, where there is an assistant to run and a server to run it."""
    if settings.canary_assistant is None or not settings.target:
        return None
    song = Song(
        settings.canary_assistant,
        settings.canary_input,
        settings.canary_interval_seconds,
        settings.canary_timeout_seconds,
    )
    return Canary(settings.target, song, metrics, api_key=_secret(settings.target_api_key))


def _watched(settings: Settings, stack: AsyncExitStack) -> Watched:
    database = open_database(settings)
    stack.callback(database.close)
    server = None
    if settings.is_remote:
        server = RemoteServer(
            settings.target,
            timeout=settings.probe_timeout_seconds,
            api_key=_secret(settings.target_api_key),
        )
        stack.callback(server.close)
    return Watched(MetricFiles(settings.metrics_dir), database, server)


@asynccontextmanager
async def open_app(settings: Settings, metrics: Metrics) -> AsyncIterator[Starlette]:
    """Run the background work for as long as the block lasts, and give the app to serve."""
    rhythm = Rhythm(
        interval=settings.interval_seconds,
        timeout=settings.probe_timeout_seconds,
        stale=settings.stale_seconds,
        fails_down=settings.fails_down,
        passes_up=settings.passes_up,
    )
    async with AsyncExitStack() as stack:
        watched = _watched(settings, stack)
        executor = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="page"))
        workers = WorkersCollector(watched.files, clock=time.time)
        await stack.enter_async_context(keep_folded(watched.files, workers.ended))
        deriver = make_deriver(settings, metrics)
        relay = await stack.enter_async_context(open_relay(settings, metrics, deriver))
        probes = make_probes(settings, watched, metrics, relay)
        monitor = await stack.enter_async_context(open_monitor(probes, rhythm, metrics))
        await stack.enter_async_context(keep_singing(make_canary(settings, metrics)))
        traces = Traces(relay, deriver)
        page = Page(make_collectors(settings, watched, metrics, monitor, workers, traces))
        yield make_app(settings, monitor, page, executor, metrics, relay)


def make_app(
    settings: Settings,
    monitor: HealthMonitor,
    page: Page,
    executor: ThreadPoolExecutor,
    metrics: Metrics,
    relay: Relay,
) -> Starlette:
    """Make the ASGI app."""
    credentials = Credentials(
        token=_secret(settings.token), user=settings.user, password=_secret(settings.password)
    )
    guard = Guard(credentials, metrics)
    routes = [
        *index_routes(),
        *health_routes(monitor, guard),
        *metrics_routes(page, guard, executor),
        *relay_routes(relay),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: make_refusals(metrics)})


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, or, if so set, until stdin ends.

    Raises:
        ListenError: The address is taken, or not one of this machine.
        ConfigurationError: A database cannot be read with these settings or this installation,
            or the files of TLS cannot be used.
    """
    metrics = local_metrics(OWN_METRICS)
    metrics.set(metric_specs.SIDECAR_BUILD_INFO, 1, version=version("langgraph-outrigger"))
    doors = open_doors(settings)
    chosen = settings.log_format
    if chosen == "auto":
        chosen = "console" if sys.stdout.isatty() else "json"
    output = configure_logging(
        service="outrigger-sidecar", format=chosen, level=settings.log_level, metrics=metrics
    )
    try:
        async with open_app(settings, metrics) as app:
            host, port = doors[0].listener.getsockname()[:2]
            log.info("sidecar_started", host=host, port=port, target=settings.target or None)
            warn_of_strangers(settings, host)
            servers = [
                (http_server(app, metrics, door.certificate, Limits()), door.listener)
                for door in doors
            ]
            _look_at_new_objects_only()
            await serve_until_stopped(servers, stop_with_stdin=settings.stop_with_stdin)
        log.info("sidecar_stopped")
    finally:
        for door in doors:
            door.listener.close()
        await asyncio.to_thread(output.close)


def _look_at_new_objects_only() -> None:
    """Spare the garbage collector what was imported: it would look at it during a scrape."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)
