import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fakes.run_file import NOW, RunFile
from outrigger_sidecar.errors import DatabaseError
from outrigger_sidecar.run_database.sqlite import SqliteRunDatabase


@pytest.fixture
def file(tmp_path: Path) -> RunFile:
    return RunFile(tmp_path / "outrigger.db")


def test_run_behind_its_own_thread_is_blocked(file: RunFile) -> None:
    file.run("a", "running", due=-50, lease=5)
    file.run("a", "pending", due=-40)
    file.run("b", "pending", due=-30)
    file.run("b", "pending", due=-20)

    queue = SqliteRunDatabase(file.path).queue(NOW)

    assert (queue.blocked, queue.unblocked) == (2, 1)
    assert (queue.blocked_oldest_seconds, queue.unblocked_oldest_seconds) == (40, 30)
    assert queue.live == {"running": 1, "pending": 3}


def test_delayed_run_waits_for_nobody(file: RunFile) -> None:
    file.run("a", "pending", due=60)

    queue = SqliteRunDatabase(file.path).queue(NOW)

    assert (queue.blocked, queue.unblocked, queue.unblocked_oldest_seconds) == (0, 0, 0)
    assert queue.live == {"pending": 1}


def test_of_two_runs_created_at_once_the_second_is_blocked(file: RunFile) -> None:
    file.run("a", "pending", due=-1)
    file.run("a", "pending", due=-1)

    queue = SqliteRunDatabase(file.path).queue(NOW)

    assert (queue.blocked, queue.unblocked) == (1, 1)


def test_running_run_whose_lease_is_over_or_missing_is_seen(file: RunFile) -> None:
    file.run("a", "running", lease=5)
    file.run("b", "running", lease=-1)
    file.run("c", "running")

    assert SqliteRunDatabase(file.path).queue(NOW).running_without_lease == 2


def test_counts_name_every_status(file: RunFile) -> None:
    for thread, rest in (("a", "idle"), ("b", "error"), ("c", "interrupted"), ("d", "idle")):
        file.thread(thread, rest)
    file.run("a", "success")
    file.run("d", "pending")

    counts = SqliteRunDatabase(file.path).counts()

    assert counts.threads == {"idle": 1, "busy": 1, "interrupted": 1, "error": 1}
    assert counts.runs["success"] == 1
    assert set(counts.runs) == {
        *("pending", "running", "success", "error", "timeout", "interrupted")
    }


def test_it_reads_while_another_writes(file: RunFile) -> None:
    with closing(sqlite3.connect(file.path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO threads VALUES ('x', 'idle')")

        SqliteRunDatabase(file.path).ping()
        writer.rollback()


def test_a_missing_database_is_said_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"^there is no database yet$"):
        SqliteRunDatabase(tmp_path / "outrigger.db").ping()

    assert list(tmp_path.iterdir()) == []


def test_another_kind_of_file_is_said_without_its_path(tmp_path: Path) -> None:
    path = tmp_path / "outrigger.db"
    path.write_bytes(b"not a database" * 100)

    with pytest.raises(DatabaseError, match=r"^the database cannot be read$"):
        SqliteRunDatabase(path).ping()


def test_a_database_without_the_tables_is_said(tmp_path: Path) -> None:
    path = tmp_path / "outrigger.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")

    with pytest.raises(DatabaseError, match="lacks the server's tables"):
        SqliteRunDatabase(path).ping()
