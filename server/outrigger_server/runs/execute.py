"""Runs the graph of one attempt on the graph loop and says how it ended."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from langgraph.errors import GraphDrained

from outrigger_server.brokers.base import EventLog
from outrigger_server.errors import FencedWrite, GraphFailed, Unavailable
from outrigger_server.graphs.encoding import encode
from outrigger_server.graphs.invoke import VALUES, run_config, stream_run
from outrigger_server.graphs.source import GraphSource
from outrigger_server.runs.attempt import Attempt
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.stores.base import Database
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.items import FencedStore


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


class Executor:
    """Runs attempts; everything here happens on the graph loop."""

    def __init__(self, database: Database, events: EventLog, telemetry: RunTelemetry) -> None:
        self._database = database
        self._events = events
        self._telemetry = telemetry

    async def execute(self, attempt: Attempt, source: GraphSource) -> Ending:
        """Run the graph to its end, its failure, or the stop it was asked for.

        A cancellation ends it as STOPPED: the attempt's supervisor asked for it, and asks
        only once.
        """
        try:
            await self._stream(attempt, source)
        except (asyncio.CancelledError, GraphDrained):
            return Ending(EndKind.STOPPED)
        except FencedWrite:
            return Ending(EndKind.FENCED)
        except Unavailable:
            return Ending(EndKind.UNAVAILABLE)
        except GraphFailed as error:
            return Ending(EndKind.FAILED, error)
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001  the edge: the user's code may raise anything
            return Ending(EndKind.FAILED, GraphFailed(type(error).__name__, str(error)))
        return Ending(EndKind.DONE)

    async def _stream(self, attempt: Attempt, source: GraphSource) -> None:
        run = attempt.run
        fence = RunFence(run.token)
        config = run_config(run, at_head=attempt.at_head)
        durable = run.kwargs.get("durability") == "sync"
        saver = FencedSaver(self._database, fence, self._telemetry, durable=durable)
        store = FencedStore(self._database, fence, self._telemetry)
        started = time.perf_counter()
        async with source.open(config, checkpointer=saver, store=store) as graph:
            self._telemetry.graph_built(run.graph_id, time.perf_counter() - started)
            emit = self._emitter(attempt)
            events = stream_run(
                graph, run, config=config, resume=attempt.resume, control=attempt.control
            )
            async for name, payload in events:
                emit(name, payload)
        await saver.settle()

    def _emitter(self, attempt: Attempt) -> Callable[[str, object], None]:
        run_id = attempt.run.run_id

        def emit(name: str, payload: object) -> None:
            # Encoded here and now: the graph may change the objects later.
            if attempt.live and self._events.wants(run_id):
                data = encode(payload)
                if name == VALUES:
                    attempt.shown = data
                self._events.publish(run_id, name, data)

        return emit
