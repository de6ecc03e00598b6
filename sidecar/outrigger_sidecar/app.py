"""Puts the sidecar together and runs it. The only place that names probes and collectors."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib.metadata import version

from fastapi import FastAPI

from outrigger_sidecar.collectors.base import Collector
from outrigger_sidecar.collectors.health import HealthCollector
from outrigger_sidecar.collectors.metric_files import MetricFilesCollector, keep_folded
from outrigger_sidecar.collectors.own import OwnMetricsCollector
from outrigger_sidecar.collectors.page import Page
from outrigger_sidecar.collectors.process import ProcessCollector
from outrigger_sidecar.collectors.queue import QueueCollector
from outrigger_sidecar.collectors.relay import RelayCollector
from outrigger_sidecar.collectors.runs import RunsCollector
from outrigger_sidecar.errors import ConfigurationError, ListenError
from outrigger_sidecar.http.auth import BearerGuard
from outrigger_sidecar.http.health import health_routes
from outrigger_sidecar.http.index import index_routes
from outrigger_sidecar.http.metrics import metrics_routes
from outrigger_sidecar.http.relay import relay_routes
from outrigger_sidecar.http.serving import serve_until_stopped
from outrigger_sidecar.probes.base import Probe
from outrigger_sidecar.probes.cpu import CpuProbe
from outrigger_sidecar.probes.database import DatabaseProbe
from outrigger_sidecar.probes.disk import DiskProbe
from outrigger_sidecar.probes.memory import MemoryProbe
from outrigger_sidecar.probes.monitor import HealthMonitor, Rhythm, open_monitor
from outrigger_sidecar.probes.off import OffProbe
from outrigger_sidecar.probes.queue import QueueProbe
from outrigger_sidecar.probes.relay import RelayProbe
from outrigger_sidecar.probes.server import ServerProbe
from outrigger_sidecar.probes.workers import WorkersProbe
from outrigger_sidecar.relay.opening import open_relay
from outrigger_sidecar.relay.operation import NoDeriver
from outrigger_sidecar.relay.relay import Relay
from outrigger_sidecar.run_database.base import RunDatabase
from outrigger_sidecar.run_database.sqlite import SqliteRunDatabase
from outrigger_sidecar.settings import Settings
from outrigger_telemetry import metric_specs
from outrigger_telemetry.logging import configure_logging, get_logger
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import Metrics, local_metrics

# Counted in this process; the rest of the sidecar's metrics is found out at each scrape.
OWN_METRICS = (
    metric_specs.DB_PROBE_SECONDS,
    metric_specs.REDIS_PROBE_SECONDS,
    metric_specs.HEALTH_CHECK_SECONDS,
    metric_specs.SIDECAR_BUILD_INFO,
    metric_specs.LOG_LINES_TOTAL,
    metric_specs.LABEL_OVERFLOW_TOTAL,
    metric_specs.RELAY_INGESTED_RUNS_TOTAL,
    metric_specs.RELAY_REFUSED_REQUESTS_TOTAL,
    metric_specs.RELAY_REPLAYED_FILES_TOTAL,
    metric_specs.RELAY_FORWARDED_BATCHES_TOTAL,
    metric_specs.RELAY_FORWARD_SECONDS,
    metric_specs.RELAY_DROPPED_RUNS_TOTAL,
    metric_specs.RELAY_SAMPLED_OUT_TOTAL,
)

log = get_logger("outrigger_sidecar")


def make_probes(
    settings: Settings, database: RunDatabase, files: MetricFiles, metrics: Metrics, relay: Relay
) -> list[Probe]:
    """Make every probe, in the order in which /health shows them."""
    return [
        DatabaseProbe(database, metrics),
        make_redis_probe(settings, metrics),
        MemoryProbe(limit_ratio=settings.memory_limit_ratio),
        CpuProbe(limit_ratio=settings.cpu_limit_ratio, clock=time.monotonic),
        make_server_probe(settings),
        WorkersProbe(files, elsewhere=bool(settings.postgres_uri and settings.target)),
        QueueProbe(database, files, stall_seconds=settings.queue_stall_seconds, clock=time.time),
        DiskProbe(settings.data_dir, free_ratio=settings.disk_free_ratio),
        RelayProbe(relay.standing, failing_seconds=settings.relay_failing_seconds),
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


def make_collectors(
    settings: Settings,
    database: RunDatabase,
    files: MetricFiles,
    metrics: Metrics,
    monitor: HealthMonitor,
    relay: Relay,
) -> list[Collector]:
    """Make every collector, in the order in which /metrics shows them."""
    return [
        MetricFilesCollector(files),
        QueueCollector(
            database, files, stall_seconds=settings.queue_stall_seconds, clock=time.time
        ),
        RunsCollector(database, clock=time.monotonic),
        ProcessCollector(files),
        HealthCollector(monitor.reports),
        RelayCollector(relay.standing),
        OwnMetricsCollector(metrics),
    ]


@asynccontextmanager
async def open_app(settings: Settings, metrics: Metrics) -> AsyncIterator[FastAPI]:
    """Run the background work for as long as the block lasts, and give the app to serve."""
    files = MetricFiles(settings.metrics_dir)
    database = open_database(settings)
    rhythm = Rhythm(
        interval=settings.interval_seconds,
        timeout=settings.probe_timeout_seconds,
        stale=settings.stale_seconds,
        fails_down=settings.fails_down,
        passes_up=settings.passes_up,
    )
    async with AsyncExitStack() as stack:
        stack.callback(database.close)
        executor = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="page"))
        await stack.enter_async_context(keep_folded(files))
        relay = await stack.enter_async_context(open_relay(settings, metrics, NoDeriver()))
        probes = make_probes(settings, database, files, metrics, relay)
        monitor = await stack.enter_async_context(open_monitor(probes, rhythm, metrics))
        page = Page(make_collectors(settings, database, files, metrics, monitor, relay))
        app = make_app(settings, monitor, page, executor)
        app.include_router(relay_routes(relay))
        yield app


def make_app(
    settings: Settings, monitor: HealthMonitor, page: Page, executor: ThreadPoolExecutor
) -> FastAPI:
    """Make the ASGI app."""
    guard = BearerGuard(settings.token)
    app = FastAPI(title="outrigger-sidecar", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(index_routes())
    app.include_router(health_routes(monitor, guard))
    app.include_router(metrics_routes(page, guard, executor))
    return app


async def run(settings: Settings) -> None:
    """Serve until SIGTERM, or until stdin ends if so set.

    Raises:
        ListenError: The address is taken, or not one of this machine.
        ConfigurationError: A database cannot be read with these settings or this installation.
    """
    metrics = local_metrics(OWN_METRICS)
    metrics.set(metric_specs.SIDECAR_BUILD_INFO, 1, version=version("langgraph-outrigger"))
    listener = _listen(settings)
    chosen = settings.log_format
    if chosen == "auto":
        chosen = "console" if sys.stdout.isatty() else "json"
    output = configure_logging(
        service="outrigger-sidecar", format=chosen, level=settings.log_level, metrics=metrics
    )
    try:
        async with open_app(settings, metrics) as app:
            host, port = listener.getsockname()[:2]
            log.info("sidecar_started", host=host, port=port, target=settings.target or None)
            await serve_until_stopped(app, listener, stop_with_stdin=settings.stop_with_stdin)
        log.info("sidecar_stopped")
    finally:
        listener.close()
        await asyncio.to_thread(output.close)


def _listen(settings: Settings) -> socket.socket:
    where = f"{settings.host}:{settings.port}"
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _cannot_listen(where, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _cannot_listen(where, error) from error
    return listener


def _cannot_listen(where: str, error: OSError) -> ListenError:
    reason = (error.strerror or "unusable").lower()
    return ListenError(f"cannot listen on {where}: {reason}; choose another with --host or --port")
