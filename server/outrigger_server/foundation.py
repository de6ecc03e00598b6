"""What every part of the server stands on: clock, database, broker, graphs' loop, tracing."""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from outrigger_server.backends import Broker, item_rules, open_broker, open_database
from outrigger_server.domain.clock import Clock
from outrigger_server.graphs.loop import GraphLoop
from outrigger_server.graphs.manifest import Manifest
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.runs.tracing import RunTracing
from outrigger_server.runs.webhook_guard import Resolver, WebhookGuard
from outrigger_server.settings import Settings
from outrigger_server.stores.base import Database
from outrigger_server.stores.items import ItemRules
from outrigger_telemetry.metrics import Metrics
from outrigger_telemetry.pools import open_board


class SystemClock:
    """The machine's clock, made to never step back within the process."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        self._last = max(self._last, time.time_ns() // 1000)
        return self._last


@dataclass(frozen=True, slots=True)
class Foundation:
    """What is open before any part is, and closed after all of them."""

    settings: Settings
    registry: GraphRegistry
    metrics: Metrics
    manifest: Manifest
    clock: Clock
    telemetry: RunTelemetry
    database: Database
    tracing: RunTracing
    graph_loop: GraphLoop
    item_rules: ItemRules
    broker: Broker
    webhook_guard: WebhookGuard


async def open_foundation(
    stack: AsyncExitStack,
    settings: Settings,
    registry: GraphRegistry,
    metrics: Metrics,
    manifest: Manifest,
) -> Foundation:
    """Open it until the stack is closed.

    Raises:
        ConfigurationError: The data directory or PostgreSQL cannot be used, another process that
            nothing joins to this one uses it, or items cannot be indexed.
    """
    clock = SystemClock()
    telemetry = RunTelemetry(
        metrics, backend="postgres" if settings.scale.postgres_uri else "sqlite"
    )
    board = await stack.enter_async_context(open_board(metrics))
    database = await open_database(stack, settings, board)
    tracing = await stack.enter_async_context(RunTracing(settings.deployment.environment))
    graph_loop = await stack.enter_async_context(GraphLoop(settings.worker.node_threads))
    rules = await item_rules(manifest, database)
    broker = await open_broker(stack, settings, clock, telemetry, board)
    guard = WebhookGuard(
        manifest.webhooks,
        stack.enter_context(Resolver()).resolve,
        disabled="webhooks" in manifest.http.disabled,
    )
    return Foundation(
        settings=settings,
        registry=registry,
        metrics=metrics,
        manifest=manifest,
        clock=clock,
        telemetry=telemetry,
        database=database,
        tracing=tracing,
        graph_loop=graph_loop,
        item_rules=rules,
        broker=broker,
        webhook_guard=guard,
    )
