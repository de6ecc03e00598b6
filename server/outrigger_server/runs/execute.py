"""Runs the graph of one attempt on the graph loop and says how it ended."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from langgraph.errors import GraphDrained
from langgraph.pregel import Pregel
from sqlalchemy import Connection

from outrigger_server.brokers.base import EventLog
from outrigger_server.domain.run import Run
from outrigger_server.domain.thread import UNREADABLE, ThreadOutcome
from outrigger_server.errors import FencedWrite, GraphFailed, Unavailable
from outrigger_server.graphs.encoding import encode
from outrigger_server.graphs.invoke import VALUES, run_config, stream_run
from outrigger_server.graphs.source import GraphSource
from outrigger_server.runs.attempt import Attempt
from outrigger_server.runs.publish import publish, wanted
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.runs.tracing import RunTracing
from outrigger_server.stores.base import Database
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.items import FencedStore, ItemRules
from outrigger_server.threads.snapshots import own_outcome
from outrigger_telemetry.logging import get_logger

log = get_logger("outrigger.runs")


class EndKind(StrEnum):
    """How an attempt's graph ended."""

    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    FENCED = "fenced"
    UNAVAILABLE = "unavailable"
    """The database refused a write: not the graph's fault."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt's graph ended, and the user's error when it failed."""

    kind: EndKind
    error: GraphFailed | None = None
    outcome: ThreadOutcome | None = None
    """What a graph that is done leaves, if that is known."""
    require_written: Callable[[Connection], None] | None = None
    """To be part of the end then: raises `WritesLost` unless its writes are on disk with it."""


def ending_of(error: BaseException) -> Ending:
    """How an attempt ended whose graph, or one of whose writes, raised this."""
    match error:
        case asyncio.CancelledError() | GraphDrained():
            return Ending(EndKind.STOPPED)
        case FencedWrite():
            return Ending(EndKind.FENCED)
        case Unavailable():
            return Ending(EndKind.UNAVAILABLE)
        case GraphFailed():
            return Ending(EndKind.FAILED, error)
        case _:
            return Ending(EndKind.FAILED, GraphFailed(type(error).__name__, str(error)))


class Executor:
    """Runs attempts; everything here happens on the graph loop."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        telemetry: RunTelemetry,
        tracing: RunTracing,
        item_rules: ItemRules | None = None,
    ) -> None:
        self._database = database
        self._events = events
        self._telemetry = telemetry
        self._tracing = tracing
        self._item_rules = item_rules

    async def execute(self, attempt: Attempt, source: GraphSource) -> Ending:
        """Run the graph to its end, its failure, or the stop it was asked for.

        A cancellation ends it as STOPPED: the attempt's supervisor asked for it, and asks
        only once.
        """
        try:
            return await self._stream(attempt, source)
        except (asyncio.CancelledError, Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001  the edge: the user's code may raise anything
            return ending_of(error)

    async def _stream(self, attempt: Attempt, source: GraphSource) -> Ending:
        run = attempt.run
        fence = RunFence(run.token)
        config = run_config(run, at_head=attempt.at_head)
        durable = run.kwargs.get("durability") == "sync"
        saver = FencedSaver(
            self._database, fence, self._telemetry, durable=durable, fresh=attempt.fresh
        )
        store = FencedStore(self._database, fence, self._telemetry, self._item_rules)
        started = time.perf_counter()
        async with source.open(config, checkpointer=saver, store=store) as graph:
            self._telemetry.graph_built(run.graph_id, time.perf_counter() - started)
            emit = self._emitter(attempt)
            with self._tracing.traced(run, config) as traced:
                events = stream_run(
                    graph, run, config=traced, resume=attempt.resume, control=attempt.control
                )
                async for name, payload in events:
                    emit(name, payload)
            outcome = _outcome(graph, saver, run)
        if outcome is None:
            await saver.settle()
            return Ending(EndKind.DONE)
        return Ending(EndKind.DONE, outcome=outcome, require_written=saver.require_written)

    def _emitter(self, attempt: Attempt) -> Callable[[str, object], None]:
        run = attempt.run

        def emit(name: str, payload: object) -> None:
            if not attempt.live:
                return
            attempt.emitted += 1
            if wanted(self._events, run):
                # Encoded here and now: the graph may change the objects later.
                data = encode(payload)
                if name == VALUES:
                    attempt.shown = data
                publish(self._events, run, name, data)

        return emit


def _outcome(
    graph: Pregel[Any, Any, Any, Any], saver: FencedSaver, run: Run
) -> ThreadOutcome | None:
    try:
        return own_outcome(graph, saver)
    except GraphFailed as error:
        log.warning("state_not_readable", run_id=run.run_id, error_class=error.kind)
        return UNREADABLE
