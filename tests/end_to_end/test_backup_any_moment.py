"""The part of docs/backup.md on any moment: PostgreSQL goes back to between two threads."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from langgraph_sdk import get_client

from harness.documents import block_after, document
from harness.operator_shell import carried_out
from harness.postgres import PostgresServer
from harness.processes import TEST_GRAPHS, started_server
from outrigger_loadtests.faults.postgres import USER

pytestmark = [pytest.mark.end_to_end, pytest.mark.long]

BACKUP = document("backup")
ANY_MOMENT = "PostgreSQL: any moment"


def given_to_postgres(folder: Path) -> Path:
    """A folder that the user of PostgreSQL may write to."""
    folder.mkdir(exist_ok=True)
    for path in [folder, *folder.rglob("*")]:
        if os.geteuid() == 0:
            shutil.chown(path, USER, USER)
    folder.chmod(0o700)
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that PostgreSQL's user may pass, too."""
    with tempfile.TemporaryDirectory(prefix="outrigger-any-moment-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def archiving(folder: Path) -> Iterator[PostgresServer]:
    """One with the settings of the document; its archive is in the folder."""
    given_to_postgres(folder / "log")
    server = PostgresServer(folder / "first")
    (folder / "first").mkdir()
    server.start()
    server.stop()
    add_settings(folder / "first" / "data", settings_of("archive_mode", folder))
    server.start()
    yield server
    server.stop()


def settings_of(first: str, folder: Path) -> str:
    (found,) = (block for block in BACKUP.blocks("ini") if first in block)
    return found.replace("/backup/log", str(folder / "log"))


def add_settings(data: Path, text: str) -> None:
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(f"\n{text}")


def now_of(uri: str) -> datetime:
    with psycopg.connect(uri) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


async def test_a_server_goes_back_to_a_moment_between_two_threads(
    folder: Path, archiving: PostgresServer
) -> None:
    with archiving.fresh_database() as uri:
        given = {"POSTGRES_URI": uri, "OUTRIGGER_MIGRATE_ON_START": "true"}
        with started_server(folder / "data", config=TEST_GRAPHS, environment=given) as server:
            async with get_client(url=server.url, api_key=None) as client:
                block = block_after(BACKUP, ANY_MOMENT, "back up")
                carried_out(block, POSTGRES_URI=uri, BACKUP=str(folder))
                thread_id = (await client.threads.create())["thread_id"]
                await client.runs.wait(thread_id, "finishing", input={"log": ["input"]})
                kept = await client.threads.get_history(thread_id)
                moment = now_of(uri)
                lost = (await client.threads.create())["thread_id"]
        archiving.run("SELECT pg_switch_wal()")
        archiving.stop()
        later = PostgresServer(folder / "second")
        (folder / "second").mkdir()
        shutil.move(folder / "base", folder / "second" / "data")
        data = folder / "second" / "data"
        wanted = settings_of("recovery_target_time", folder)
        add_settings(data, wanted.replace("2026-01-02 03:04:05+00", moment.isoformat(" ")))
        (data / "recovery.signal").touch()
        given_to_postgres(data)
        later.start()
        try:
            name = uri.rpartition("/")[2]
            restored = {"POSTGRES_URI": later.url_of(name)}
            with started_server(folder / "new", config=TEST_GRAPHS, environment=restored) as server:
                async with get_client(url=server.url, api_key=None) as client:
                    assert await client.threads.get_history(thread_id) == kept
                    assert await client.threads.search(ids=[lost]) == []
        finally:
            later.stop()
