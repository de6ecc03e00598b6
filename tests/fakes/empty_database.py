"""An empty database file at the newest schema: migrated once in each process, then copied."""

import functools
import tempfile
from pathlib import Path

from sqlalchemy import create_engine

from outrigger_server.stores.migrations.upgrade import upgrade_schema
from outrigger_server.stores.sqlite import SqliteDatabase


@functools.cache
def _content() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        engine = create_engine(f"sqlite:///{file}", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            upgrade_schema(connection)
        engine.dispose()
        return file.read_bytes()


def empty_database(folder: Path) -> SqliteDatabase:
    """A database that opens at once, since its schema is up to date already."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "outrigger.db").write_bytes(_content())
    return SqliteDatabase(folder)
