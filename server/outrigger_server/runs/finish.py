"""Ends attempts: reads where the history stands and writes status, values and fence at once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from outrigger_server.brokers.base import EventLog, RunEnd, Wakeups
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.run import CancelAction, Run, RunOutcome, RunStatus
from outrigger_server.domain.thread import UNREADABLE, ThreadOutcome
from outrigger_server.errors import GraphFailed, IllegalTransition, Unavailable
from outrigger_server.graphs.invoke import VALUES, wanted_modes
from outrigger_server.graphs.source import GraphSource
from outrigger_server.runs.ends import ROLLED_BACK, ended_run, run_outcome
from outrigger_server.runs.execute import Ending
from outrigger_server.runs.publish import publish, publish_end
from outrigger_server.runs.telemetry import RunTelemetry
from outrigger_server.stores import traces
from outrigger_server.stores.base import Database
from outrigger_server.stores.claims import close_fence, hand_back
from outrigger_server.stores.run_ends import Ended, finish_run, roll_back_run
from outrigger_server.stores.run_rows import find_run, held_run
from outrigger_server.threads.snapshots import (
    outcome_of,
    place_of,
    read_committed,
    read_snapshot,
)
from outrigger_telemetry.logging import get_logger

Result = TypeVar("Result")

RETRY_SECONDS = 1.0
"""Pause before an end is written again to a database that refused it."""

log = get_logger("outrigger.runs")


class Finisher:
    """Writes the ends of runs and tells everybody who waits for them, `afterwards` last.

    Every method returns once the end is on disk, however long the database refuses it,
    and does nothing when the attempt has lost its run.
    """

    def __init__(  # noqa: PLR0913  the parts of the engine, each passed in
        self,
        database: Database,
        events: EventLog,
        wakeups: Wakeups,
        clock: Clock,
        telemetry: RunTelemetry,
        *,
        retry_seconds: float = RETRY_SECONDS,
        afterwards: Sequence[Callable[[Run], None]] = (),
    ) -> None:
        self._database = database
        self._events = events
        self._wakeups = wakeups
        self._clock = clock
        self._telemetry = telemetry
        self._retry_seconds = retry_seconds
        self._afterwards = afterwards

    async def succeed(self, run: Run, source: GraphSource | None, ending: Ending) -> None:
        """End a run whose graph came to its end; what it left is read unless `ending` tells.

        Raises:
            WritesLost: Some of what the graph wrote is not on disk; the run goes on.
        """
        outcome = ending.outcome
        if outcome is None:
            outcome, _ = await self._head(run, source)
        await self._finish(run, RunStatus.SUCCESS, outcome, require=ending.require_written)

    async def fail(self, run: Run, source: GraphSource | None, error: GraphFailed) -> None:
        """End a run whose graph raised, or whose attempts are used up."""
        await self._end_badly(run, source, RunStatus.ERROR, error)

    async def time_out(self, run: Run, source: GraphSource | None) -> None:
        """End a run that was cut at its time limit."""
        error = GraphFailed("TimeoutError", "")
        await self._end_badly(run, source, RunStatus.TIMEOUT, error, cut=True)

    async def interrupt(
        self, run: Run, source: GraphSource | None, *, shown: bytes | None = None
    ) -> None:
        """End a run that was cut; it is a success when it had finished all the same.

        LangGraph streams nothing any more once it was cancelled. What a run finished with is
        therefore streamed here, unless those are the values that were `shown` last.
        """
        held = await self._persist(partial(held_run, token=run.token))
        outcome, completed = await self._head(run, source, cut=True)
        if completed:
            self._stream_values(run, outcome, shown)
            await self._finish(run, RunStatus.SUCCESS, outcome, cut=True)
            return
        if held is not None and held.superseded_by is None:
            message = held.cancel_message or "interrupted"
            outcome = replace(outcome, error={"error": "UserInterrupt", "message": message})
        await self._finish(run, RunStatus.INTERRUPTED, outcome, cut=True)

    def _stream_values(self, run: Run, outcome: ThreadOutcome, shown: bytes | None) -> None:
        values = None if outcome.values is None else outcome.values.encode()
        missing = values if VALUES in wanted_modes(run) and values != shown else None
        if missing is not None:
            publish(self._events, run, VALUES, missing)

    async def roll_back(self, run: Run) -> None:
        """Remove a run that was cut, with every trace of it."""

        def job(connection: Connection) -> Ended:
            return roll_back_run(connection, held_run(connection, run.token), self._clock.now())

        ended = await self._persist(job, partial(_ended_by, run=run))
        if ended is not None:
            self._announce_rollback(ended)

    async def hand_back(self, run: Run, *, blameless: bool = True) -> bool:
        """Put a stopped run back into the queue; False when a cancel was asked for meanwhile.

        Only a `blameless` attempt does not count against the attempts a run may have.
        """
        job = partial(
            hand_back,
            token=run.token,
            thread_id=run.thread_id,
            now=self._clock.now(),
            blameless=blameless,
        )
        return bool(await self._persist(job))

    async def fence(self, run: Run) -> None:
        """Refuse every later write of the attempt; what it wrote before is on disk now."""
        await self._persist(partial(close_fence, token=run.token))

    async def settle(self) -> None:
        """Return when everything handed to the database so far is on disk."""
        await self._persist(lambda _connection: None)

    async def _end_badly(
        self,
        run: Run,
        source: GraphSource | None,
        status: RunStatus,
        error: GraphFailed,
        *,
        cut: bool = False,
    ) -> None:
        outcome, _ = await self._head(run, source, cut=cut)
        detail = {"error": error.kind, "message": error.text}
        outcome = replace(outcome, error=detail, failed=True)
        await self._finish(run, status, outcome, error_class=error.kind, cut=cut)

    async def _head(
        self, run: Run, source: GraphSource | None, *, cut: bool = False
    ) -> tuple[ThreadOutcome, bool]:
        """What the head of the history is, and whether the run had come to its end there.

        A run that was cut keeps its finished steps only.
        """

        def job(connection: Connection) -> tuple[ThreadOutcome, bool]:
            if source is None:
                return UNREADABLE, False
            if cut:
                snapshot = read_committed(source, run.thread_id, connection)
            else:
                snapshot = read_snapshot(source, place_of(run.thread_id), connection)
            own = (snapshot.metadata or {}).get("run_id") == run.run_id
            return outcome_of(snapshot), own and not snapshot.next

        while True:
            try:
                return await self._database.read_with_graph(job)
            except GraphFailed as error:
                log.warning("state_not_readable", run_id=run.run_id, error_class=error.kind)
                return UNREADABLE, False
            except Unavailable as error:
                await self._pause(error)

    async def _finish(
        self,
        run: Run,
        status: RunStatus,
        outcome: ThreadOutcome,
        *,
        error_class: str | None = None,
        cut: bool = False,
        require: Callable[[Connection], None] | None = None,
    ) -> None:
        def job(connection: Connection) -> Ended:
            ended = finish_run(connection, run, status, outcome, self._clock.now())
            if require is not None:
                require(connection)
            if cut:
                traces.drop_unfinished_step(connection, run)
            return ended

        ended = await self._persist(job, partial(_ended_by, run=run, status=status))
        if ended is None:
            self._telemetry.write_refused("status")
        elif ended.run.cancel_action is CancelAction.ROLLBACK:
            self._announce_rollback(ended)
        else:
            end = ended_run(ended.run, status.value, outcome)
            self._announce(ended, run_outcome(ended.run, status), end, error_class)

    def _announce_rollback(self, ended: Ended) -> None:
        self._announce(ended, RunOutcome.ROLLED_BACK, ended_run(ended.run, ROLLED_BACK))

    def _announce(
        self, ended: Ended, outcome: RunOutcome, end: RunEnd, error_class: str | None = None
    ) -> None:
        self._telemetry.finished(ended.run, outcome, self._clock.now(), error_class)
        publish_end(self._events, ended.run, end)
        if ended.more:
            self._wakeups.notify()
        for call in self._afterwards:
            call(ended.run)

    async def _persist(
        self,
        job: Callable[[Connection], Result],
        did: Callable[[Connection], Result | None] | None = None,
    ) -> Result | None:
        """Run `job` until the database takes it; None when the attempt lost its run.

        A try that was answered with an error may have been stored all the same: whether it
        was, and what it came to, `did` finds out when the next one is refused.
        """
        in_doubt = False
        while True:
            try:
                return await self._database.write(job)
            except IllegalTransition:
                return await self._look(did) if in_doubt and did is not None else None
            except Unavailable as error:
                in_doubt = True
                await self._pause(error)

    async def _look(self, job: Callable[[Connection], Result]) -> Result:
        """Read until the database lets it be read."""
        while True:
            try:
                return await self._database.read(job)
            except Unavailable as error:
                await self._pause(error)

    async def _pause(self, error: Unavailable) -> None:
        log.error(
            "run_end_waits_for_database", reason=error.code, retry_seconds=self._retry_seconds
        )
        await asyncio.sleep(self._retry_seconds)


def _ended_by(connection: Connection, run: Run, status: RunStatus | None = None) -> Ended | None:
    """The run as this very attempt ended it, with a status or by a rollback; None if it did not.

    One that is gone was rolled back: an attempt that lost its run otherwise leaves its row.
    """
    row = find_run(connection, run.run_id)
    if row is None:
        return Ended(replace(run, cancel_action=CancelAction.ROLLBACK), more=True)
    done = row.attempt == run.attempt and row.status is status
    return Ended(row, more=True) if done else None
