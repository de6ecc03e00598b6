"""The writer thread: owns a process's only writing connection and commits in groups.

Jobs that wait together are committed together, and one that fails takes no other with it:
the group is then done again with a savepoint for each. An acknowledged job is on disk.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sized
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from outrigger_server.errors import StoreUnavailable
from outrigger_server.stores.dialect import is_conflict, translated, waited_in_vain
from outrigger_server.stores.job_queue import JobQueue
from outrigger_telemetry.pools import PoolBoard, PoolUse

Result = TypeVar("Result")

GROUP_LIMIT = 256
"""Jobs in one transaction at most: bounds how long the first of them waits."""

CONFLICT_TRIES = 5
"""How often a job runs at most while other processes are in its way."""

WARY_GROUPS = 16
"""After a job has failed, so many groups get savepoints at once: often more jobs fail then."""


class WritingSession(Protocol):
    """Transactions on one connection, in a database's own words; used by one thread."""

    @property
    def lost(self) -> bool:
        """True when the database itself has ended the transaction."""
        ...

    def begin(self, jobs: int, *, marked: bool) -> Connection:
        """Begin a transaction for up to so many jobs.

        Only one that is `marked` can undo a job; it may wait longer for other processes.
        """
        ...

    def begin_job(self) -> None:
        """Mark the place to which `undo_job` goes back."""
        ...

    def end_job(self) -> None:
        """Keep what the job did."""
        ...

    def undo_job(self) -> None:
        """Take back what the job did, and nothing of those before it."""
        ...

    def commit(self) -> None:
        """End the transaction; what it did is on disk when this returns.

        Raises:
            StoreUnavailable: Nobody knows whether it is.
        """
        ...

    def roll_back(self) -> None:
        """End the transaction without a trace; never raises."""
        ...


_Outcome = tuple[Any, BaseException | None]


@dataclass(slots=True)
class _Entry(Generic[Result]):
    """A job, and who is to be told what it came to: a future of `loop`, or a plain one."""

    job: Callable[[Connection], Result]
    future: Any
    loop: asyncio.AbstractEventLoop | None
    settled: Callable[[BaseException | None], None] | None = None
    asked_at: float = field(default_factory=time.perf_counter)


def _settle(future: Any, outcome: _Outcome) -> None:
    result, error = outcome
    if future.done():  # nobody waits any more
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _settle_all(settled: list[tuple[Any, _Outcome]]) -> None:
    for future, outcome in settled:
        _settle(future, outcome)


def _tell(settled: Iterable[tuple[_Entry[Any], _Outcome]]) -> None:
    """Tell everybody who waits, each loop with one call: waking it is what costs."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Any, _Outcome]]] = {}
    for entry, outcome in settled:
        if entry.settled is not None:
            entry.settled(outcome[1])
        if entry.loop is None:
            _settle(entry.future, outcome)
        else:
            by_loop.setdefault(entry.loop, []).append((entry.future, outcome))
    for loop, told in by_loop.items():
        with suppress(RuntimeError):  # the callers' loop is gone; their jobs are done all the same
            loop.call_soon_threadsafe(_settle_all, told)


class Writer:
    """Runs jobs on one thread, in the order they were handed over.

    The `board` shows its one connection, and how long jobs wait for it.
    """

    def __init__(
        self, session: WritingSession, board: PoolBoard, *, group_limit: int = GROUP_LIMIT
    ) -> None:
        self._session = session
        self._group_limit = group_limit
        self._queue: JobQueue[_Entry[Any]] = JobQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._wary = 0
        self.commits = 0
        self.jobs = 0
        self._busy = 0
        self._acquired = board.watch("writer", self._use)

    def start(self) -> None:
        """Start taking jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what was handed over, then end; later jobs are refused. Blocks."""
        self._queue.close()
        self._thread.join()

    @property
    def waiting(self) -> int:
        """Jobs that were handed over and have not begun."""
        return len(self._queue)

    def begin(
        self,
        job: Callable[[Connection], Result],
        *,
        urgent: bool = True,
        settled: Callable[[BaseException | None], None] | None = None,
    ) -> asyncio.Future[Result]:
        """Take `job`; its future is done after the commit. See `Database.begin_write`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.put(_Entry(job, future, loop, settled), urgent=urgent)
        return future

    def submit_blocking(self, job: Callable[[Connection], Result]) -> Result:
        """Run `job` and return its result after the commit, for plain threads."""
        future: Future[Result] = Future()
        self._queue.put(_Entry(job, future, None), urgent=True)
        return future.result()

    def _run(self) -> None:
        while group := self._queue.take(self._group_limit):
            begun = time.perf_counter()
            for entry in group:
                self._acquired(begun - entry.asked_at)
            self._busy = 1
            self._commit_group(group)
            self._busy = 0

    def _use(self) -> PoolUse:
        return PoolUse(self._busy, 1 - self._busy, self.waiting)

    def _commit_group(self, group: list[_Entry[Any]]) -> None:
        """Settle every job of the group, in as few transactions as other processes allow."""
        begun, tries = group, 0
        if self._commit_unmarked(group):
            return
        while group:
            tries += 1
            try:
                settled = self._commit_first(begun)
            except _InTheWay as conflict:
                # Alone from now on: whatever is in the way of one holds up no other.
                begun = group[:1]
                if tries < CONFLICT_TRIES and not waited_in_vain(conflict.error):
                    continue
                settled = [(None, translated(conflict.error))]
            self._settle(group, settled)
            group = group[len(settled) :]
            begun = group[:1] if len(begun) == 1 else group
            tries = 0

    def _settle(self, group: list[_Entry[Any]], settled: list[_Outcome]) -> None:
        self.jobs += len(settled)
        _tell(zip(group, settled, strict=False))

    def _commit_unmarked(self, group: list[_Entry[Any]]) -> bool:
        """Do and commit all jobs; return False when one failed: then nothing was done.

        Marks cost more than most jobs do, and hardly any job needs its own.
        """
        if len(group) == 1:
            return False
        if self._wary:
            self._wary -= 1
            return False
        try:
            connection = self._session.begin(len(group), marked=False)
            settled: list[_Outcome] = [(entry.job(connection), None) for entry in group]
            settled = self._commit(settled)
        except BaseException:  # noqa: BLE001  which job failed, and how, shows with marks
            self._session.roll_back()
            self._wary = WARY_GROUPS
            return False
        self._settle(group, settled)
        return True

    def _commit_first(self, group: list[_Entry[Any]]) -> list[_Outcome]:
        """Do and commit the first jobs of the group, one at least; return how they ended.

        Raises:
            _InTheWay: Another process was in the way of the first; nothing was done.
        """
        settled: list[_Outcome] = []
        try:
            connection = self._session.begin(len(group), marked=True)
            for entry in group:
                try:
                    settled.append(self._run_job(entry, connection))
                except _InTheWay:
                    if not settled:
                        raise
                    break  # it waits in a transaction of its own, which holds up nobody
        except BaseException as error:
            self._session.roll_back()
            if isinstance(error, _InTheWay):
                raise
            return self._failed(group, error)
        return self._commit(settled)

    def _commit(self, settled: list[_Outcome]) -> list[_Outcome]:
        """Commit; return how the jobs ended after all.

        Raises:
            _InTheWay: Another process was in the way; nothing was done.
        """
        try:
            self._session.commit()
        except BaseException as error:  # noqa: BLE001  handed to those who wait
            self._session.roll_back()
            return self._failed(settled, error)
        self.commits += 1
        return settled

    def _failed(self, jobs: Sized, error: BaseException) -> list[_Outcome]:
        """How all jobs ended whose transaction failed."""
        if is_conflict(error):
            raise _InTheWay(error) from error
        failure = translated(error)
        self.commits += 1
        return [(None, failure)] * len(jobs)

    def _run_job(self, entry: _Entry[Any], connection: Connection) -> _Outcome:
        self._session.begin_job()
        try:
            result = entry.job(connection)
        except BaseException as error:
            failure = translated(error)
            if isinstance(failure, StoreUnavailable) and self._session.lost:
                raise  # the database gave up the whole transaction
            self._session.undo_job()
            if is_conflict(error):
                raise _InTheWay(error) from error
            return None, failure
        self._session.end_job()
        return result, None


class _InTheWay(Exception):
    """Another process's transaction was in the way of a job."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error
