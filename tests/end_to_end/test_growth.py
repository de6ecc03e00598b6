"""What runs leave behind, in memory, in the tables and in Redis: what the API shows, no more."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from harness.growth import blocks_alive, create_threads, load, ours_alive, server_here
from harness.postgres import PostgresServer
from harness.redis import RedisServer

pytestmark = pytest.mark.end_to_end

THREADS = 40
ROUNDS = {"sqlite": (240, 560), "scaled": (80, 240)}
"""Talks before and after the first look."""

MOST_OF_A_TYPE = 5
"""Of ten kinds of talk each comes 24 times at least: an object that one leaves would show."""

BLOCKS_OF_A_TALK = 2
CACHED_BLOCKS = 800
"""Pieces of memory that may stay: libraries' caches fill up at first, whatever is said."""

TABLE_ROUNDS = 160
KEEPS = {"assistant_versions", "assistants", "alembic_version"}
DEADLINE_SECONDS = 30.0

Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(params=["sqlite", "scaled"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def environment(kind: str, request: pytest.FixtureRequest) -> Any:
    """The settings of a server in one process: on SQLite, or on PostgreSQL and Redis."""
    if kind == "sqlite":
        yield {"OUTRIGGER_STREAM_TTL_SECONDS": "0"}
        return
    redis: RedisServer = request.getfixturevalue("redis_server")
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    with postgres.fresh_database() as uri:
        yield {
            "OUTRIGGER_STREAM_TTL_SECONDS": "0",
            "OUTRIGGER_MIGRATE_ON_START": "true",
            "POSTGRES_URI": uri,
            "REDIS_URI": redis.url,
        }


async def until(is_so: Callable[[], bool], what: Callable[[], object]) -> None:
    """Return once it is so; what ended a moment ago may still be on its way out."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, what()
        await asyncio.sleep(0.2)


async def test_objects_of_runs_go_with_the_runs(
    environment: dict[str, str], kind: str, tmp_path: Path
) -> None:
    warm_up, rounds = ROUNDS[kind]
    most = CACHED_BLOCKS + BLOCKS_OF_A_TALK * rounds
    async with server_here(tmp_path, environment) as http:
        threads = await create_threads(http, THREADS)
        await load(http, threads, warm_up)
        objects, blocks = ours_alive(), blocks_alive()
        await load(http, threads, rounds)

        def left() -> Counter[str]:
            return Counter(
                {k: n for k, n in (ours_alive() - objects).items() if n > MOST_OF_A_TYPE}
            )

        await until(lambda: not left(), left)
        await until(lambda: blocks_alive() - blocks < most, blocks_alive)


def rows_of(environment: dict[str, str], folder: Path) -> Rows:
    """Answers statements from outside, as an operator would."""

    def ask(statement: str) -> list[tuple[Any, ...]]:
        if "POSTGRES_URI" in environment:
            with psycopg.connect(environment["POSTGRES_URI"]) as connection:
                return connection.execute(statement.encode()).fetchall()
        file = f"file:{folder}/outrigger.db?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as database:
            return database.execute(statement).fetchall()

    return ask


def sizes(rows: Rows, kind: str) -> dict[str, int]:
    """The number of rows of every table there is."""
    names = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        "scaled": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    }[kind]
    return {name: rows(f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in rows(names)}


async def shown(http: httpx.AsyncClient, threads: list[str]) -> dict[str, int]:
    """How many runs and checkpoints the API shows."""
    runs = checkpoints = 0
    for each in threads:
        runs += len((await http.get(f"/threads/{each}/runs", params={"limit": 1000})).json())
        history = await http.post(f"/threads/{each}/history", json={"limit": 1000})
        checkpoints += len(history.json())
    return {"threads": len(threads), "runs": runs, "checkpoints": checkpoints}


ORPHANS = {
    "sqlite": {
        "writes": """SELECT * FROM writes w WHERE NOT EXISTS (SELECT 1 FROM checkpoints c
            WHERE (c.thread_id, c.checkpoint_ns, c.checkpoint_id)
                = (w.thread_id, w.checkpoint_ns, w.checkpoint_id))""",
    },
    "scaled": {
        "writes": """SELECT * FROM checkpoint_writes w WHERE NOT EXISTS (SELECT 1 FROM checkpoints c
            WHERE (c.thread_id, c.checkpoint_ns, c.checkpoint_id)
                = (w.thread_id, w.checkpoint_ns, w.checkpoint_id))""",
        "blobs": """SELECT * FROM checkpoint_blobs b WHERE NOT EXISTS (SELECT 1 FROM checkpoints c
            WHERE (c.thread_id, c.checkpoint_ns) = (b.thread_id, b.checkpoint_ns)
              AND c.checkpoint->'channel_versions'->>b.channel = b.version)""",
    },
}


async def test_tables_hold_what_the_api_shows_and_nothing_of_threads_that_are_gone(
    environment: dict[str, str], kind: str, tmp_path: Path
) -> None:
    rows = rows_of(environment, tmp_path)
    async with server_here(tmp_path, environment) as http:
        threads = await create_threads(http, THREADS)
        await load(http, threads, TABLE_ROUNDS)
        held, seen = sizes(rows, kind), await shown(http, threads)
        assert {name: held[name] for name in seen} == seen
        assert held["writes_kept"] == 0
        orphans = [row for statement in ORPHANS[kind].values() for row in rows(statement)]
        assert orphans == []
        for each in threads:
            (await http.delete(f"/threads/{each}")).raise_for_status()
        left = {name for name, size in sizes(rows, kind).items() if size}
        assert left == KEEPS


@pytest.mark.parametrize("kind", ["scaled"], indirect=True)
async def test_every_key_in_redis_has_its_end_and_goes(
    environment: dict[str, str], redis_server: RedisServer, tmp_path: Path
) -> None:
    redis_server.clear()
    async with server_here(tmp_path, environment) as http:
        threads = await create_threads(http, THREADS)
        talking = asyncio.ensure_future(load(http, threads, TABLE_ROUNDS))
        seen: set[bytes] = set()
        while not talking.done():
            seen |= await asyncio.to_thread(without_end, redis_server)
            await asyncio.sleep(0.05)
        await talking
        assert redis_server.say("DBSIZE") > 0
        assert not seen | without_end(redis_server)
        await until(lambda: redis_server.say("DBSIZE") == 0, lambda: redis_server.say("KEYS", "*"))


def without_end(redis: RedisServer) -> set[bytes]:
    """The keys that would stay for ever."""
    return {key for key in redis.say("KEYS", "*") if redis.say("PTTL", key) == -1}
