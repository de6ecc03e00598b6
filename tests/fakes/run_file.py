"""A database file like the server's, as far as the sidecar reads it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from outrigger_telemetry.schema_revision import SCHEMA_REVISION

SCHEMA = """
CREATE TABLE runs (
    run_id TEXT, thread_id TEXT, status TEXT, created_at INTEGER, started_at INTEGER,
    attempt INTEGER, lease_until INTEGER, cancel_action TEXT
);
CREATE TABLE threads (thread_id TEXT, rest_status TEXT);
CREATE TABLE alembic_version (version_num TEXT);
"""
NOW = 1_800_000_000.0


class RunFile:
    """Makes the file and puts rows in. Times are seconds from `now`."""

    def __init__(self, path: Path, now: float = NOW, *, revision: str = SCHEMA_REVISION) -> None:
        self.path = path
        self._now = now
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)
            connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
            connection.commit()

    def thread(self, thread_id: str, rest_status: str = "idle") -> None:
        self._write("INSERT INTO threads VALUES (?, ?)", thread_id, rest_status)

    def run(
        self, thread_id: str, status: str, *, due: float = 0, lease: float | None = None
    ) -> None:
        self._write(
            "INSERT INTO runs VALUES (hex(randomblob(8)), ?, ?, ?, NULL, 1, ?, NULL)",
            thread_id,
            status,
            self._moment(due),
            None if lease is None else self._moment(lease),
        )

    def _moment(self, offset: float) -> int:
        return int((self._now + offset) * 1_000_000)

    def _write(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement, values)
