"""Brings a database to the schema this code is written for, or says that it is not."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from outrigger_server.errors import ConfigurationError
from outrigger_server.stores.dialect import POSTGRESQL
from outrigger_telemetry.schema_revision import SCHEMA_REVISION

ADVISORY_LOCK = 0x6F757472
"""The number of the lock that keeps two processes from migrating one database at once."""


class SchemaState(StrEnum):
    """How a database's schema stands to the one the code is written for."""

    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"


def schema_revision(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return row[0] if row else None


def schema_state(connection: Connection) -> SchemaState:
    """Say whether the database needs a migration, or newer code; an empty one is older."""
    present = schema_revision(connection)
    if present == SCHEMA_REVISION:
        return SchemaState.CURRENT
    older = present is None or present < SCHEMA_REVISION
    return SchemaState.OLDER if older else SchemaState.NEWER


def require_schema(connection: Connection, *, setting: str) -> None:
    """Pass when the database is at the schema of the code.

    Raises:
        ConfigurationError: It is not; `setting` names the database in the message.
    """
    state = schema_state(connection)
    if state is SchemaState.NEWER:
        raise _too_new(connection, setting)
    if state is SchemaState.OLDER:
        fault = (
            f"{setting}: the database is at schema {schema_revision(connection) or 'none'}, this "
            f"version needs {SCHEMA_REVISION}. Run `outrigger migrate` first."
        )
        raise ConfigurationError([fault])


def upgrade_schema(connection: Connection, *, setting: str = "OUTRIGGER_DATA_DIR") -> None:
    """Apply the migrations that are missing, all or nothing; one process at a time.

    Raises:
        ConfigurationError: The database was written by a newer version.
    """
    if schema_state(connection) is SchemaState.CURRENT:
        return
    with _alone(connection):
        state = schema_state(connection)  # another process may have done it meanwhile
        if state is SchemaState.NEWER:
            raise _too_new(connection, setting)
        if state is SchemaState.OLDER:
            _apply_migrations(connection)


def _apply_migrations(connection: Connection) -> None:
    # Alembic takes a moment to import, and most starts need no migration.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """A transaction while which no other process migrates the database."""
    if connection.dialect.name == POSTGRESQL:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.rollback()  # also when a full disk has ended it already
        raise


def _too_new(connection: Connection, setting: str) -> ConfigurationError:
    fault = (
        f"{setting}: the database is at schema {schema_revision(connection)}, this version knows "
        f"{SCHEMA_REVISION}. Start the newer Outrigger it was written by."
    )
    return ConfigurationError([fault])
