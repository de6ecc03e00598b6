"""Driver errors: which of them mean that the database itself cannot be used."""

import sqlite3

import pytest
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from outrigger_server.errors import FencedWrite, StoreUnavailable
from outrigger_server.stores.dialect import translated


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database or disk is full"),
        OperationalError("INSERT", {}, sqlite3.OperationalError("disk I/O error")),
        OperationalError("INSERT", {}, sqlite3.OperationalError("attempt to write a readonly")),
        sqlite3.DatabaseError("database disk image is malformed"),
        DatabaseError("SELECT", {}, sqlite3.DatabaseError("database disk image is malformed")),
    ],
    ids=["full", "i/o", "read-only", "broken, from the driver", "broken, wrapped"],
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
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_other_error_stays_as_it_is(error):
    assert translated(error) is error
