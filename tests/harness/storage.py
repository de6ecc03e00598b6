"""Reads the server's database file from outside, as an operator might."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

RUN_TABLES = ("threads", "runs", "checkpoints", "writes", "writes_kept", "store")


def dump(data_dir: Path, tables: tuple[str, ...] = RUN_TABLES) -> dict[str, list[Any]]:
    """Every row of the tables."""
    with closing(sqlite3.connect(f"file:{data_dir}/outrigger.db?mode=ro", uri=True)) as database:
        return {
            table: sorted(database.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr)
            for table in tables
        }
