"""Brings a database to the schema this code is written for."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from outrigger_server.errors import ConfigurationError
from outrigger_server.stores.dialect import driver_of
from outrigger_server.stores.tables import SCHEMA_REVISION


def schema_revision(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return row[0] if row else None


def upgrade_schema(connection: Connection) -> None:
    """Apply the migrations that are missing, all or nothing.

    Raises:
        ConfigurationError: The database was written by a newer version.
    """
    present = schema_revision(connection)
    if present == SCHEMA_REVISION:
        return
    if present is not None and present > SCHEMA_REVISION:
        fault = (
            f"OUTRIGGER_DATA_DIR: the database is at schema {present}, this version knows "
            f"{SCHEMA_REVISION}. Start the newer Outrigger it was written by."
        )
        raise ConfigurationError([fault])
    # Alembic takes a moment to import, and most starts need no migration.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    driver = driver_of(connection)
    driver.execute("BEGIN IMMEDIATE")
    try:
        command.upgrade(config, "head")
        driver.execute("COMMIT")
    except BaseException:
        if driver.in_transaction:  # a full disk has ended it already
            driver.execute("ROLLBACK")
        raise
