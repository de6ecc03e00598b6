"""Changes of a thread's state from outside a run. They hold the thread: no run starts meanwhile."""

import asyncio
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.errors import EmptyInputError, InvalidUpdateError
from sqlalchemy import Connection

from outrigger_server.brokers.base import EventLog, Wakeups
from outrigger_server.domain.clock import MICROSECONDS, Clock
from outrigger_server.domain.event import STATE_UPDATE, thread_stream
from outrigger_server.domain.run import ThreadId
from outrigger_server.domain.thread import ThreadOutcome
from outrigger_server.errors import BadState, GraphFailed, NotFound, OutriggerError, Unavailable
from outrigger_server.graphs.encoding import encode
from outrigger_server.graphs.loop import GraphLoop
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.graphs.source import GraphSource
from outrigger_server.stores.base import Database
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.deferred import DeferredWrites
from outrigger_server.stores.fence import HoldFence, WriteObserver
from outrigger_server.stores.items import FencedStore, ItemRules
from outrigger_server.stores.threads import (
    get_thread,
    hold_quiet_thread,
    hold_thread,
    release_thread,
)
from outrigger_server.threads.snapshots import (
    outcome_of,
    place_of,
    read_outcome,
    read_snapshot,
    to_json,
)
from outrigger_server.threads.state import source_of
from outrigger_telemetry.logging import get_logger

RETRY_SECONDS = 1.0

HOLD_SECONDS = 60
"""When another process may end a hold that was not released; only a lost one takes as long."""

log = get_logger("outrigger.threads")


@dataclass(frozen=True, slots=True)
class StateUpdate:
    """A change of a thread's state from outside a run."""

    values: Any
    as_node: str | None = None
    checkpoint_id: str | None = None
    namespace: str = ""


class StateChanges:
    """Changes the states of threads, and lets their rows follow."""

    def __init__(  # noqa: PLR0913  the parts of the engine, each passed in
        self,
        database: Database,
        registry: GraphRegistry,
        graph_loop: GraphLoop,
        clock: Clock,
        observer: WriteObserver,
        wakeups: Wakeups,
        *,
        events: EventLog,
        item_rules: ItemRules | None = None,
    ) -> None:
        self._database = database
        self._registry = registry
        self._graph_loop = graph_loop
        self._clock = clock
        self._observer = observer
        self._wakeups = wakeups
        self._events = events
        self._item_rules = item_rules

    async def update(self, thread_id: ThreadId, change: StateUpdate) -> RunnableConfig:
        """Write a checkpoint with the change and return where it stands.

        The readers of the thread's stream are told the new state.

        Raises:
            NotFound: There is no such thread.
            ThreadBusy: A run is in flight.
            BadState: The thread has no graph yet, or the change does not fit it.
            GraphFailed: A reducer or branch of the graph raised.
        """
        thread = await self._database.read(partial(get_thread, thread_id=thread_id))
        source = source_of(self._registry, thread)
        if source is None:
            raise BadState(
                f"Thread '{thread_id}' has no assigned graph ID. Run a graph on it first, or "
                "create it with metadata.graph_id."
            )
        token = str(uuid.uuid4())
        await self._database.write(
            partial(
                hold_thread,
                thread_id=thread_id,
                token=token,
                checkpoint=(change.namespace, change.checkpoint_id),
                until=self._hold_until(),
            )
        )
        outcome: ThreadOutcome | None = None
        shown = None
        try:
            config = await self._graph_loop.call(
                f"update:{token}", self._update(source, thread_id, token, change)
            )
            outcome, shown = await self._database.read_with_graph(
                partial(_read_new_state, source, thread_id)
            )
        finally:
            await self._release(thread_id, token, outcome)
            if shown is not None:
                self._events.publish(thread_stream(thread_id), STATE_UPDATE, shown)
        return config

    async def follow_head(self, thread_id: ThreadId) -> None:
        """Write the thread's values anew when its history was changed behind it.

        Does nothing while a run is under way, whose end writes them, and leaves the row as
        it is when the thread or its graph is gone or the graph cannot be made.
        """
        token = str(uuid.uuid4())
        if not await self._database.write(
            partial(hold_quiet_thread, thread_id=thread_id, token=token, until=self._hold_until())
        ):
            return
        outcome: ThreadOutcome | None = None
        try:
            thread = await self._database.read(partial(get_thread, thread_id=thread_id))
            source = source_of(self._registry, thread)
            if source is not None:
                outcome = await self._database.read_with_graph(
                    partial(read_outcome, source, thread_id)
                )
        except (NotFound, GraphFailed) as error:
            log.warning("head_not_followed", thread_id=thread_id, reason=error.code)
        finally:
            await self._release(thread_id, token, outcome)

    def _hold_until(self) -> int:
        return self._clock.now() + HOLD_SECONDS * MICROSECONDS

    async def _release(
        self, thread_id: ThreadId, token: str, outcome: ThreadOutcome | None
    ) -> None:
        """End the hold, however long the database refuses that, and wake the workers."""
        job = partial(
            release_thread,
            thread_id=thread_id,
            token=token,
            outcome=outcome,
            now=self._clock.now(),
        )
        while True:
            try:
                await self._database.write(job)
            except Unavailable as error:
                log.warning("thread_stays_held", thread_id=thread_id, reason=error.code)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._wakeups.notify()
                return

    async def _update(
        self, source: GraphSource, thread_id: ThreadId, token: str, change: StateUpdate
    ) -> RunnableConfig:
        fence = HoldFence(thread_id, token)
        config = place_of(thread_id, change.checkpoint_id, change.namespace)
        config["metadata"] = {"graph_id": source.graph_id}
        writes = DeferredWrites(self._database)
        saver = FencedSaver(writes, fence, self._observer)
        store = FencedStore(self._database, fence, self._observer, self._item_rules)
        try:
            async with source.open(config, checkpointer=saver, store=store) as graph:
                place = await graph.aupdate_state(config, change.values, as_node=change.as_node)
            await self._database.write(writes.apply)
        except (InvalidUpdateError, EmptyInputError) as error:
            raise BadState(str(error)) from error
        except OutriggerError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise GraphFailed(type(error).__name__, str(error)) from error
        return place


def _read_new_state(
    source: GraphSource, thread_id: ThreadId, connection: Connection
) -> tuple[ThreadOutcome, bytes]:
    """What the change made of the thread: for its row, and for the readers of its stream."""
    snapshot = read_snapshot(source, place_of(thread_id), connection)
    told = {"state": to_json(snapshot), "thread_id": thread_id}
    return outcome_of(snapshot), encode(told)
