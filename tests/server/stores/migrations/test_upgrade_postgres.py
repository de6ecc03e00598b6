"""The schema on PostgreSQL: the same migrations, langgraph's own tables, one at a time."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.store.postgres import PostgresStore
from psycopg.rows import dict_row

from outrigger_server.stores.migrations.upgrade import (
    SchemaState,
    schema_revision,
    schema_state,
    upgrade_schema,
)
from outrigger_server.stores.postgres import postgres_engine
from outrigger_server.stores.saver_tables import tables_of
from outrigger_telemetry.schema_revision import SCHEMA_REVISION

INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "AND tablename <> 'alembic_version'"
)
COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default "
    "FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY(%s)"
)
THEIRS = ["checkpoints", "checkpoint_blobs", "checkpoint_writes", "store"]
OURS = {"run_id", "attempt", "ttl_minutes"}
"""Columns of our own, and one that holds fractions where theirs rounds them."""


@pytest.fixture
def uris(postgres_server):
    with postgres_server.fresh_database() as one, postgres_server.fresh_database() as another:
        yield one, another


@pytest.fixture
def connection(uris):
    with postgres_engine(uris[0]).connect() as connection:
        yield connection


@pytest.fixture
def other(uris):
    """A connection to another empty database."""
    with postgres_engine(uris[1]).connect() as connection:
        yield connection


def set_up_by_langgraph(uri):
    with psycopg.connect(uri, autocommit=True, row_factory=dict_row) as own:
        PostgresSaver(own).setup()
        PostgresStore(own).setup()


def test_the_migrations_make_exactly_the_tables_and_indexes_of_the_code(connection):
    upgrade_schema(connection)
    context = MigrationContext.configure(connection)
    assert compare_metadata(context, tables_of("postgresql")) == []


def test_the_migrations_make_indexes_with_the_conditions_of_the_code(connection, other):
    upgrade_schema(connection)
    tables_of("postgresql").create_all(other)
    made = dict(connection.exec_driver_sql(INDEXES).all())
    assert made == dict(other.exec_driver_sql(INDEXES).all())


def columns(connection):
    found = connection.exec_driver_sql(COLUMNS, (THEIRS,)).all()
    return {tuple(row) for row in found if row[1] not in OURS}


def test_langgraphs_tables_are_as_its_own_migrations_make_them(connection, other, uris):
    upgrade_schema(connection)
    set_up_by_langgraph(uris[1])
    assert columns(connection) == columns(other)


def test_langgraphs_own_setup_changes_nothing_of_ours(connection, uris):
    upgrade_schema(connection)
    before, indexes = columns(connection), dict(connection.exec_driver_sql(INDEXES).all())
    set_up_by_langgraph(uris[0])
    assert columns(connection) == before
    assert indexes.items() <= dict(connection.exec_driver_sql(INDEXES).all()).items()


def test_an_upgrade_brings_the_database_to_the_revision_of_the_code(connection):
    assert schema_state(connection) is SchemaState.OLDER
    upgrade_schema(connection)
    assert schema_revision(connection) == SCHEMA_REVISION
    assert schema_state(connection) is SchemaState.CURRENT


def test_a_database_beyond_the_code_is_newer(connection):
    upgrade_schema(connection)
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert schema_state(connection) is SchemaState.NEWER


def test_a_migration_that_fails_leaves_nothing(connection):
    connection.exec_driver_sql("CREATE TABLE writes_kept (in_the_way int)")
    with pytest.raises(Exception, match="already exists"):
        upgrade_schema(connection)
    assert schema_revision(connection) is None
