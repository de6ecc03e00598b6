"""What an older version left in the database is there after the upgrade, in its new shape."""

from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from outrigger_server.stores.assistants import Page, list_versions
from outrigger_server.stores.migrations import upgrade
from outrigger_server.stores.migrations.upgrade import upgrade_schema
from outrigger_server.stores.postgres import postgres_engine

ASSISTANT = """
INSERT INTO assistants
    (assistant_id, graph_id, name, description, config, context, metadata, version, created_at,
     updated_at)
VALUES ('a', 'g', 'Anna', NULL, '{"tags": ["t"]}', '{}', '{"team": "a"}', 1, 5, 7)
"""


@pytest.fixture
def sqlite_connection(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def postgres_connection(postgres_server):
    with postgres_server.fresh_database() as uri, postgres_engine(uri).connect() as connection:
        yield connection


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request):
    return request.getfixturevalue(f"{request.param}_connection")


def upgrade_to(connection, revision):
    config = Config()
    config.set_main_option("script_location", str(Path(upgrade.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_an_assistant_has_its_version_after_the_upgrade(connection):
    upgrade_to(connection, "0003")
    connection.execute(text(ASSISTANT.replace(":", "\\:")))
    upgrade_schema(connection)
    (version,) = partial(list_versions, assistant_id="a", metadata={}, page=Page(10, 0))(connection)
    assert (version.version, version.name, version.created_at) == (1, "Anna", 7)
    assert (version.config, version.metadata) == ({"tags": ["t"]}, {"team": "a"})
