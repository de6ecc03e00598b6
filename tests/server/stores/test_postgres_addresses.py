"""Addresses of PostgreSQL that are none: refused at once, and never shown."""

import pytest

from outrigger_server.errors import ConfigurationError
from outrigger_server.stores.postgres import PostgresDatabase, migrate_postgres

SECRET = "Hush"
BROKEN = [f"x%{SECRET}", f"{SECRET} y", f"x@{SECRET}", f"x/{SECRET}"]
FAULT = (
    "POSTGRES_URI is no address of PostgreSQL (a secret, not shown): in its password, write @ as "
    "%40, / as %2F, % as %25, a space as %20"
)


@pytest.mark.parametrize("password", BROKEN)
async def test_a_password_that_is_not_spelt_for_an_address_is_told_without_it(password):
    uri = f"postgresql+psycopg://user:{password}@127.0.0.1:1/db"
    with pytest.raises(ConfigurationError) as caught:
        migrate_postgres(uri)
    assert caught.value.faults == (FAULT,)
    with pytest.raises(ConfigurationError) as caught:
        async with PostgresDatabase(uri):
            raise AssertionError
    assert caught.value.faults == (FAULT,)
    assert caught.value.__cause__ is None


def test_a_database_that_cannot_be_reached_is_told_without_the_password():
    with pytest.raises(ConfigurationError) as caught:
        migrate_postgres(f"postgresql://user:{SECRET}@127.0.0.1:1/db")
    (fault,) = caught.value.faults
    assert "Connection refused" in fault
    assert SECRET not in fault
