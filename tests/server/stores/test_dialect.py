"""Driver errors: which of them mean that the database itself cannot be used."""

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from outrigger_server.errors import FencedWrite, StoreUnavailable
from outrigger_server.stores.dialect import is_conflict, translated


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database or disk is full"),
        OperationalError("INSERT", {}, sqlite3.OperationalError("disk I/O error")),
        OperationalError("INSERT", {}, sqlite3.OperationalError("attempt to write a readonly")),
        sqlite3.DatabaseError("database disk image is malformed"),
        DatabaseError("SELECT", {}, sqlite3.DatabaseError("database disk image is malformed")),
        psycopg.OperationalError("the connection is closed"),
        psycopg.InterfaceError("the connection is lost"),
        OperationalError("INSERT", {}, psycopg.errors.AdminShutdown("terminating connection")),
        psycopg.errors.DiskFull("could not extend file"),
        psycopg.errors.TooManyConnections("sorry, too many clients already"),
        psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction"),
        psycopg.errors.IdleInTransactionSessionTimeout("terminating connection"),
        psycopg.errors.DeadlockDetected("deadlock detected"),
    ],
    ids=[
        "full",
        "i/o",
        "read-only",
        "broken, from the driver",
        "broken, wrapped",
        "no connection",
        "lost connection",
        "stopped, wrapped",
        "full, postgres",
        "too many",
        "read-only, postgres",
        "ended while it stood still",
        "always in the way of others",
    ],
)
def test_a_failure_of_the_database_itself_makes_the_store_unavailable(error):
    failure = translated(error)
    assert isinstance(failure, StoreUnavailable)
    assert failure.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        FencedWrite(),
        ZeroDivisionError(),
        KeyboardInterrupt(),
        sqlite3.IntegrityError("UNIQUE constraint failed"),
        IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed")),
        psycopg.errors.UniqueViolation("duplicate key"),
        IntegrityError("INSERT", {}, psycopg.errors.UniqueViolation("duplicate key")),
        psycopg.errors.UndefinedTable("no such relation"),
        psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_other_error_stays_as_it_is(error):
    assert translated(error) is error


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.SerializationFailure("could not serialize access"),
        psycopg.errors.DeadlockDetected("deadlock detected"),
        OperationalError("SELECT", {}, psycopg.errors.LockNotAvailable("lock timeout")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_other_processes_were_in_the_way_of_may_run_again(error):
    assert is_conflict(error)


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError(), psycopg.errors.UniqueViolation(""), sqlite3.OperationalError("locked")],
    ids=lambda error: type(error).__name__,
)
def test_nothing_else_is_run_again(error):
    assert not is_conflict(error)
