"""The writing connection to PostgreSQL: its transactions, their loss, and the way back.

Several processes write at once, so a transaction may have to wait for rows of another. Only
its first job may wait: it holds nothing that others could want meanwhile, and so no two
groups ever wait for one another.
"""

import time
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from outrigger_server.errors import StoreUnavailable
from outrigger_server.stores.dialect import translated
from outrigger_server.stores.postgres_occupancy import Occupancy, Occupied, occupy
from outrigger_telemetry.logging import get_logger

LOCK_SECONDS = 2
"""How long the first job of a transaction waits for rows of others before it is refused.

Longer than PostgreSQL takes to find a deadlock; the process's other writes wait meanwhile.
"""

QUEUED_LOCK_MILLISECONDS = 10
"""How long a later job does before the jobs in front of it are committed without it."""

IDLE_SECONDS = 15
"""When PostgreSQL ends a transaction whose process is stopped, and frees its rows."""

RESOLVE_SECONDS = 3.0
"""How long to ask what became of a commit whose answer was lost."""

_SETUP = (
    f"SET lock_timeout = '{LOCK_SECONDS}s';"
    f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s';"
    # So that PostgreSQL too notices a process that is gone without a word, and ends its locks.
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_current_xact_id()::text"
_WAIT_LESS = f"SET LOCAL lock_timeout = {QUEUED_LOCK_MILLISECONDS};"
_MARK = "SAVEPOINT job"
_KEEP = "RELEASE SAVEPOINT job;"
_UNDO = "ROLLBACK TO SAVEPOINT job"

log = get_logger("outrigger.database")


class PostgresSession:
    """See `WritingSession`. A lost connection is replaced when the next transaction begins."""

    def __init__(self, engine: Engine, occupancy: Occupancy = Occupancy.SHARED) -> None:
        self._engine = engine
        self._occupancy = occupancy
        self._displaced: bool | None = None
        self._connection: Connection | None = None
        # Kept apart: SQLAlchemy gives no access to a connection that broke.
        self._driver: psycopg.Connection[Any] | None = None
        self._transaction = ""
        self._alone = False
        self._jobs = 0

    def open(self) -> Connection:
        """Connect, unless that was done. Raises the driver's errors.

        Raises:
            Occupied: Another process uses the database, and it cannot be shared.
        """
        if self._connection is None:
            connection = self._engine.connect()
            driver: Any = connection.connection.driver_connection
            try:
                driver.execute(_SETUP)
                self._occupy(driver)
            except BaseException:
                with suppress(DBAPIError, psycopg.Error):
                    connection.close()
                raise
            self._connection, self._driver = connection, driver
        return self._connection

    def _occupy(self, driver: psycopg.Connection[Any]) -> None:
        try:
            occupy(driver, self._occupancy)
        except Occupied:
            self._report(displaced=True)
            raise
        self._report(displaced=False)

    def _report(self, *, displaced: bool) -> None:
        """Log that another process took the database over, and that it let it go, once each."""
        before, self._displaced = self._displaced, displaced
        if displaced and before is False:
            log.error("database_occupied", code=Occupied.code, wanted=self._occupancy)
        elif before and not displaced:
            log.info("database_free_again")

    def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            with suppress(DBAPIError, psycopg.Error):
                connection.close()

    @property
    def lost(self) -> bool:
        """See `WritingSession.lost`."""
        if self._driver is None:
            return True
        status = self._driver.info.transaction_status
        return status not in (TransactionStatus.INTRANS, TransactionStatus.INERROR)

    def begin(self, jobs: int, *, marked: bool) -> Connection:
        """See `WritingSession.begin`."""
        self._alone = jobs == 1
        self._jobs = 0
        # Without marks no job may wait long: the first that must is done again, marked.
        statement = _BEGIN if self._alone or marked else f"{_BEGIN};{_WAIT_LESS}"
        try:
            return self._begin(statement)
        except (psycopg.Error, DBAPIError):
            # Lost since the last transaction, or not there at all: nothing was begun.
            self.close()
            return self._begin(statement)

    def _begin(self, statement: str) -> Connection:
        connection = self.open()
        answer = self._run(statement)
        answer.nextset()
        row = answer.fetchone()
        self._transaction = row[0] if row is not None else ""
        return connection

    def begin_job(self) -> None:
        """See `WritingSession.begin_job`. A job that is alone needs no savepoint."""
        if self._alone:
            return
        self._jobs += 1
        keep = _KEEP if self._jobs > 1 else ""
        wait_less = _WAIT_LESS if self._jobs == 2 else ""  # noqa: PLR2004  the second job
        self._run(f"{keep}{wait_less}{_MARK}")

    def end_job(self) -> None:
        """See `WritingSession.end_job`: the next job's savepoint or the commit keeps it."""

    def undo_job(self) -> None:
        """See `WritingSession.undo_job`."""
        self._run("ROLLBACK" if self._alone else _UNDO)

    def commit(self) -> None:
        """See `WritingSession.commit`."""
        if self.lost and self._alone and not self._broken:
            return  # the one job was undone, and the transaction with it
        try:
            ended = self._run("COMMIT")
        except psycopg.Error as error:
            if not self._broken:
                raise
            self._resolve(error)
            return
        if ended.statusmessage != "COMMIT":
            fault = "A job went on after an error of its own; nothing was stored."
            raise StoreUnavailable(fault)

    def roll_back(self) -> None:
        """See `WritingSession.roll_back`."""
        if self._broken:
            self.close()
        elif not self.lost:
            try:
                self._run("ROLLBACK")
            except psycopg.Error:
                self.close()

    @property
    def _broken(self) -> bool:
        return self._driver is None or self._driver.closed

    def _run(self, statement: str) -> psycopg.Cursor[Any]:
        if self._driver is None:
            raise StoreUnavailable
        return self._driver.execute(statement.encode(), prepare=False)

    def _resolve(self, error: psycopg.Error) -> None:
        """Return when the transaction was committed though the answer was lost.

        Raises:
            StoreUnavailable: It was not, or nobody can tell.
        """
        deadline = time.monotonic() + RESOLVE_SECONDS
        status: str | None = "in progress"
        while status in (None, "in progress") and time.monotonic() < deadline:
            self.close()
            try:
                status = self._status()
            except (psycopg.Error, DBAPIError, Occupied):
                status = None
            if status in (None, "in progress"):
                time.sleep(0.05)
        if status == "committed":
            return
        if status == "aborted":
            raise translated(error)
        raise StoreUnavailable(
            "The connection to the database was lost while it stored this request: it may be "
            "stored or not. Look before you try again."
        ) from error

    def _status(self) -> str | None:
        self.open()
        row = self._run(f"SELECT pg_xact_status('{self._transaction}'::xid8)").fetchone()
        return row[0] if row is not None else None
