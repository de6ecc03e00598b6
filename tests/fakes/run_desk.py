"""Hands the stores' jobs to a database as the engine does, with a clock turned by hand."""

import re
from functools import partial
from typing import Any

from sqlalchemy import Connection

from fakes.clock import TurnedClock
from outrigger_server.domain.run import (
    CancelAction,
    Lease,
    Run,
    RunId,
    RunRequest,
    RunStatus,
    ThreadId,
)
from outrigger_server.domain.thread import Thread, ThreadOutcome
from outrigger_server.stores import claims, run_ends, run_rows, runs, threads
from outrigger_server.stores.base import Database
from outrigger_server.stores.dialect import POSTGRESQL
from outrigger_server.stores.saver_tables import tables_of

IDLE = ThreadOutcome(values="{}", interrupts="{}", has_next=False)
LEASE_SECONDS = 30


def request(run_id: str, strategy: str = "enqueue", **fields: Any) -> RunRequest:
    """A run as a caller may ask for it."""
    return RunRequest(
        run_id=RunId(run_id),
        assistant_id="assistant",
        graph_id="graph",
        multitask_strategy=strategy,
        metadata=fields.pop("metadata", {}),
        kwargs=fields.pop("kwargs", {}),
        **fields,
    )


def dump(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    return {
        table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
        for table in tables_of(connection.dialect.name).sorted_tables
    }


def worded(connection: Connection, statement: str) -> str:
    """A statement in SQLite's words, in those of the connection's database."""
    if connection.dialect.name != POSTGRESQL:
        return statement
    return re.sub(r"\bwrites\b", "checkpoint_writes", statement).replace("?", "%s")


class RunDesk:
    """One thread `t` unless told otherwise."""

    def __init__(self, database: Database, clock: TurnedClock) -> None:
        self.database = database
        self.clock = clock

    async def thread(self, thread_id: str = "t", **content: Any) -> ThreadId:
        thread = ThreadId(thread_id)
        job = partial(
            threads.create_thread, thread_id=thread, metadata=content, now=self.clock.now()
        )
        await self.database.write(job)
        return thread

    async def create(
        self,
        run_id: str,
        strategy: str = "enqueue",
        *,
        thread: str = "t",
        lease: Lease | None = None,
        **fields: Any,
    ) -> runs.Created:
        job = partial(
            runs.create_run,
            thread_id=ThreadId(thread),
            request=request(run_id, strategy, **fields),
            now=self.clock.now(),
            lease=lease,
        )
        return await self.database.write(job)

    async def claim(self, limit: int = 10, owner: str = "worker") -> claims.Claimed:
        now = self.clock.now()
        until = now + LEASE_SECONDS * 1_000_000
        job = partial(claims.claim_runs, owner=owner, now=now, lease_until=until, limit=limit)
        return await self.database.write(job)

    async def claimed(self) -> Run:
        """The one run that may be claimed now."""
        (run,) = (await self.claim()).runs
        return run

    async def running(self, run_id: str, *, thread: str = "t", **fields: Any) -> Run:
        """A new run that is claimed at once."""
        await self.create(run_id, thread=thread, **fields)
        (run,) = [run for run in (await self.claim()).runs if run.run_id == run_id]
        return run

    async def cancel(
        self, *run_ids: str, action: CancelAction = CancelAction.INTERRUPT, thread: str = "t"
    ) -> runs.Cancelled:
        job = partial(
            runs.cancel_runs,
            thread_id=ThreadId(thread),
            run_ids=[RunId(run_id) for run_id in run_ids],
            action=action,
            now=self.clock.now(),
            message="stop",
        )
        return await self.database.write(job)

    async def finish(
        self, run: Run, status: RunStatus = RunStatus.SUCCESS, outcome: ThreadOutcome = IDLE
    ) -> run_ends.Ended:
        job = partial(
            run_ends.finish_run, run=run, status=status, outcome=outcome, now=self.clock.now()
        )
        return await self.database.write(job)

    async def hand_back(self, run: Run) -> bool:
        job = partial(
            claims.hand_back, token=run.token, thread_id=run.thread_id, now=self.clock.now()
        )
        return await self.database.write(job)

    async def recover(self, *live: str, max_attempts: int = 3) -> claims.Recovered:
        job = partial(
            claims.recover_runs,
            now=self.clock.now(),
            max_attempts=max_attempts,
            live=frozenset(RunId(run_id) for run_id in live),
        )
        return await self.database.write(job)

    async def roll_back(self, run: Run) -> run_ends.Ended:
        return await self.database.write(
            partial(run_ends.roll_back_run, run=run, now=self.clock.now())
        )

    async def outlive_lease(self) -> None:
        self.clock.turn(LEASE_SECONDS + 1)

    async def find(self, run_id: str) -> Run | None:
        return await self.database.read(partial(run_rows.find_run, run_id=RunId(run_id)))

    async def status(self, run_id: str) -> str | None:
        run = await self.find(run_id)
        return run.status.value if run is not None else None

    async def read_thread(self, thread_id: str = "t") -> Thread:
        return await self.database.read(partial(threads.get_thread, thread_id=ThreadId(thread_id)))

    async def head(self, thread_id: str = "t") -> int | None:
        """What a claim sees of the thread."""
        return (await self.one("SELECT head_at FROM threads WHERE thread_id = ?", thread_id))[0]

    async def one(self, statement: str, *parameters: Any) -> tuple[Any, ...]:
        (row,) = await self.all(statement, *parameters)
        return row

    async def all(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        def job(connection: Connection) -> list[tuple[Any, ...]]:
            found = connection.exec_driver_sql(worded(connection, statement), parameters)
            return [tuple(row) for row in found]

        return await self.database.read(job)

    async def execute(self, statement: str, *parameters: Any) -> None:
        def job(connection: Connection) -> None:
            connection.exec_driver_sql(worded(connection, statement), parameters)

        await self.database.write(job)

    async def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        return await self.database.read(dump)
