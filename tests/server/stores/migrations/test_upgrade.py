"""The schema: made by migrations, equal to the tables the code is written for."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from outrigger_server.errors import ConfigurationError
from outrigger_server.stores.migrations import upgrade
from outrigger_server.stores.migrations.upgrade import schema_revision, upgrade_schema
from outrigger_server.stores.saver_tables import tables_of
from outrigger_server.stores.sqlite import SqliteDatabase
from outrigger_telemetry.schema_revision import SCHEMA_REVISION

SCHEMA = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"


@pytest.fixture
def connection(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'schema.db'}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def indexes(connection):
    """What each index covers, without the words that different makers write differently."""
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    )
    return {name: " ".join(sql.split()) for name, sql in rows}


def test_the_code_is_written_for_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(Path(upgrade.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_REVISION


def test_the_migrations_make_exactly_the_tables_and_indexes_of_the_code(connection):
    upgrade_schema(connection)
    assert compare_metadata(MigrationContext.configure(connection), tables_of("sqlite")) == []


def test_the_migrations_make_indexes_with_the_conditions_of_the_code(connection, tmp_path):
    upgrade_schema(connection)
    engine = create_engine(f"sqlite:///{tmp_path / 'code.db'}")
    tables_of("sqlite").create_all(engine)
    with engine.connect() as wanted:
        made = indexes(connection)
        made.pop("sqlite_autoindex_alembic_version_1", None)
        assert made == indexes(wanted)
    engine.dispose()


def test_an_empty_database_has_no_revision(connection):
    assert schema_revision(connection) is None


def test_an_upgrade_brings_the_database_to_the_revision_of_the_code(connection):
    upgrade_schema(connection)
    assert schema_revision(connection) == SCHEMA_REVISION


def test_a_second_upgrade_changes_nothing(connection):
    upgrade_schema(connection)
    before = connection.exec_driver_sql(SCHEMA).all()
    upgrade_schema(connection)
    assert connection.exec_driver_sql(SCHEMA).all() == before


async def test_a_database_of_a_newer_version_is_refused_and_names_both(tmp_path):
    async with SqliteDatabase(tmp_path) as database:
        await database.write(
            lambda c: c.execute(text("UPDATE alembic_version SET version_num=9999"))
        )
    with pytest.raises(
        ConfigurationError, match=f"schema 9999, this version knows {SCHEMA_REVISION}"
    ):
        await SqliteDatabase(tmp_path).__aenter__()


async def test_a_refused_database_is_left_as_it_was(tmp_path):
    def revision(connection):
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()

    async with SqliteDatabase(tmp_path) as database:
        await database.write(
            lambda c: c.execute(text("UPDATE alembic_version SET version_num=9999"))
        )
    refused = SqliteDatabase(tmp_path)
    with pytest.raises(ConfigurationError):
        await refused.__aenter__()
    engine = create_engine(f"sqlite:///{tmp_path / 'outrigger.db'}")
    with engine.connect() as connection:
        assert revision(connection) == "9999"
    engine.dispose()
