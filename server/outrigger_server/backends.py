"""Opens what settings and `langgraph.json` name: the only place that knows every backend."""

import uuid
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from outrigger_server.brokers.base import CancelSignals, Counters, EventLog, Wakeups
from outrigger_server.brokers.in_process import (
    InProcessCancelSignals,
    InProcessCounters,
    InProcessEventLog,
    InProcessWakeups,
)
from outrigger_server.domain.clock import Clock
from outrigger_server.graphs.embeddings import load_embeddings
from outrigger_server.graphs.loop import GraphLoop
from outrigger_server.graphs.manifest import Manifest
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.settings import Settings
from outrigger_server.stores.base import Database
from outrigger_server.stores.item_index import ItemIndex, Vectors
from outrigger_server.stores.items import ItemRules, prepare_index
from outrigger_server.stores.sqlite import SqliteDatabase
from outrigger_telemetry.pools import PoolBoard


@dataclass(frozen=True, slots=True)
class Broker:
    """What joins the processes: their streams, and the signals between them."""

    events: EventLog
    wakeups: Wakeups
    cancels: CancelSignals
    cron_changes: Wakeups
    counters: Counters


async def open_database(stack: AsyncExitStack, settings: Settings, board: PoolBoard) -> Database:
    """The database of the settings, until the stack is closed.

    Raises:
        ConfigurationError: It cannot be used, or another process that nothing joins to this
            one uses it.
    """
    scale = settings.scale
    if scale.postgres_uri is None:
        return await stack.enter_async_context(SqliteDatabase(settings.storage.data_dir, board))
    from outrigger_server.stores.postgres import PostgresDatabase  # an extra of its own

    database = PostgresDatabase(
        scale.postgres_uri.get_secret_value(),
        board,
        max_connections=scale.postgres_connections,
        upgrade=scale.migrate_on_start,
        alone=scale.redis_uri is None,
    )
    return await stack.enter_async_context(database)


async def open_broker(
    stack: AsyncExitStack,
    settings: Settings,
    clock: Clock,
    telemetry: RunTelemetry,
    board: PoolBoard,
) -> Broker:
    """The broker of the settings, until the stack is closed."""
    streams = settings.streams
    if settings.scale.redis_uri is None:
        events = InProcessEventLog(
            clock, limit=streams.stream_buffer_events, keep_seconds=streams.stream_ttl_seconds
        )
        return Broker(
            events,
            InProcessWakeups(),
            InProcessCancelSignals(),
            InProcessWakeups(),
            InProcessCounters(clock),
        )
    from outrigger_server.brokers.redis.broker import RedisBroker  # an extra of its own

    broker = RedisBroker(
        settings.scale.redis_uri.get_secret_value(),
        clock,
        limit=streams.stream_buffer_events,
        keep_seconds=streams.stream_ttl_seconds,
        lost=telemetry.events_lost,
        board=board,
    )
    opened = await stack.enter_async_context(broker)
    return Broker(
        opened.events, opened.wakeups, opened.cancels, opened.cron_changes, opened.counters
    )


async def item_rules(manifest: Manifest, database: Database) -> ItemRules:
    """What langgraph.json says of the store, whose index is made if there is none.

    Raises:
        ConfigurationError: Items cannot be indexed.
    """
    if manifest.index is None:
        return ItemRules(manifest.retention.items)
    embeddings, dims = load_embeddings(manifest.index), manifest.index.dims
    await database.write(partial(prepare_index, dims=dims))
    return ItemRules(manifest.retention.items, ItemIndex(embeddings, dims, manifest.index.fields))


def off_this_loop(rules: ItemRules, graph_loop: GraphLoop) -> ItemRules:
    """The same rules for requests: users' code is on the graph loop."""
    if rules.index is None:
        return rules

    def elsewhere(embedding: Coroutine[Any, Any, Vectors]) -> Awaitable[Vectors]:
        return graph_loop.call(f"embedding:{uuid.uuid4()}", embedding)

    return replace(rules, index=replace(rules.index, elsewhere=elsewhere))
