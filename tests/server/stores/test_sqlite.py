"""The file: what survives in it, who may open it, and which faults are told clearly."""

import pytest

from outrigger_server.errors import ConfigurationError, StoreUnavailable
from outrigger_server.stores.sqlite import READERS, SqliteDatabase


@pytest.fixture
def database(sqlite_database):
    return sqlite_database


def put(key):
    return lambda connection: (
        connection.exec_driver_sql(
            "INSERT INTO store (prefix, key, value) VALUES ('p', ?, '1')", (key,)
        ).rowcount
    )


def keys(connection):
    return sorted(connection.exec_driver_sql("SELECT key FROM store").scalars())


async def test_what_was_acknowledged_is_there_when_the_file_is_opened_again(tmp_path):
    async with SqliteDatabase(tmp_path) as database:
        await database.write(put("k"))
    async with SqliteDatabase(tmp_path) as database:
        assert await database.read(keys) == ["k"]


async def test_opening_makes_the_folder_and_its_parents(tmp_path):
    async with SqliteDatabase(tmp_path / "a" / "b") as database:
        assert await database.read(keys) == []
    assert (tmp_path / "a" / "b" / "outrigger.db").exists()


async def test_a_second_server_on_one_folder_is_refused_and_told_what_to_do(tmp_path):
    async with SqliteDatabase(tmp_path):
        with pytest.raises(ConfigurationError, match="in use by another Outrigger server"):
            await SqliteDatabase(tmp_path).__aenter__()


async def test_the_folder_is_free_again_after_the_close(tmp_path):
    for _ in range(2):
        async with SqliteDatabase(tmp_path) as database:
            await database.write(put(str(id(database))))


async def test_every_commit_is_made_durable(database):
    def pragmas(connection):
        return [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous")
        ]

    full = 2
    assert await database.write(pragmas) == ["wal", full]


async def test_reading_connections_cannot_write(database):
    with pytest.raises(StoreUnavailable, match="readonly"):
        await database.read(put("k"))


async def test_a_read_keeps_its_snapshot_while_others_write(database):
    def reads_twice(connection):
        before = keys(connection)
        database.write_blocking(put("meanwhile"))
        return before, keys(connection)

    assert await database.read(reads_twice) == ([], [])
    assert await database.read(keys) == ["meanwhile"]


async def test_reads_open_no_more_connections_than_there_are_reading_threads(database):
    for _ in range(20):
        await database.read(keys)
    assert len(database._readers._idle) <= READERS


async def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="OUTRIGGER_DATA_DIR"):
        await SqliteDatabase(tmp_path / "file" / "data").__aenter__()


async def test_a_file_that_is_no_database_is_a_configuration_error(tmp_path):
    (tmp_path / "outrigger.db").write_bytes(b"no database at all " * 500)
    with pytest.raises(ConfigurationError, match="OUTRIGGER_DATA_DIR"):
        await SqliteDatabase(tmp_path).__aenter__()


async def test_a_refused_open_lets_go_of_the_folder(tmp_path):
    file = tmp_path / "outrigger.db"
    file.mkdir()
    refused = SqliteDatabase(tmp_path)
    with pytest.raises(ConfigurationError):
        await refused.__aenter__()
    file.rmdir()
    async with SqliteDatabase(tmp_path) as database:
        assert await database.read(keys) == []
    del refused


async def test_the_name_of_the_folder_may_hold_any_character(tmp_path):
    folder = tmp_path / "100% ours? #1 & more"
    async with SqliteDatabase(folder) as database:
        await database.write(put("k"))
    assert (folder / "outrigger.db").exists()
