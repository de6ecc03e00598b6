"""Runs out of time: cut and fenced like cancelled ones, whatever their node does."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.frames import named, parse
from harness.history import chain, log_at_rest, marks, segments, written_by
from harness.postgres import PostgresServer
from harness.processes import Server, started_server
from harness.runs import at_rest, start, until_in_middle, until_status
from harness.scenes import attempts
from harness.slots import logged, slots, until_logged, until_quiet

pytestmark = pytest.mark.end_to_end

LIMIT_SECONDS = 2.0
LONG_SECONDS = 60.0
BEYOND_THE_CUT_SECONDS = 5.0
BEYOND_THE_GRACE_SECONDS = 3.2
"""A node that blocks its loop holds up the next run, whose own time goes by."""

MICROSECONDS = 1_000_000
DATABASES = ("sqlite", "postgres")
ENDED_ROW = "SELECT attempt, spent, started_at, ended_at FROM runs WHERE run_id = "


@contextmanager
def empty_database(request: pytest.FixtureRequest, kind: str) -> Iterator[dict[str, str]]:
    """The settings of a database of this kind that holds nothing."""
    if kind == "sqlite":
        yield {}
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    with postgres.fresh_database() as uri:
        yield {"POSTGRES_URI": uri, "OUTRIGGER_MIGRATE_ON_START": "true"}


@pytest.fixture(scope="module", params=DATABASES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    limits = {
        "OUTRIGGER_RUN_TIMEOUT_SECONDS": str(LIMIT_SECONDS),
        "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5",
    }
    folder = tmp_path_factory.mktemp("time_limit") / "data"
    with (
        empty_database(request, request.param) as database,
        started_server(folder, environment=database | limits) as server,
    ):
        yield server


@pytest.mark.parametrize(
    "probe", ["probe_async", "probe_sync", "probe_cleanup", "probe_swallow", "probe_blocking"]
)
async def test_a_run_is_cut_at_its_time_limit_and_the_next_one_starts(
    server: Server, client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, probe: str
) -> None:
    blocks = probe == "probe_blocking"
    seconds = BEYOND_THE_GRACE_SECONDS if blocks else BEYOND_THE_CUT_SECONDS
    run_id = await start(client, thread_id, probe, "T", seconds)
    place = f"/threads/{thread_id}/runs/{run_id}"
    headers = {"Last-Event-ID": "-1"}
    streaming = asyncio.create_task(http.get(f"{place}/stream", headers=headers))
    joining = asyncio.create_task(http.get(f"{place}/join"))
    await until_in_middle(client, thread_id, run_id, saved=not blocks)
    later = await start(client, thread_id, "probe_async", "N", 0.0)

    await until_status(client, thread_id, run_id, "timeout")
    if probe in {"probe_sync", "probe_swallow"}:
        await until_logged(server, "attempt_is_a_zombie", run_id=run_id)
        while not slots(server, "zombie"):
            assert slots(server, "busy"), "neither busy nor a zombie: the slot was given away"
            await asyncio.sleep(0.01)
    frames = parse((await streaming).content)
    assert frames[-1].data == {"run_id": run_id, "status": "timeout"}
    assert named(frames, "error") == []
    joined = await joining
    assert (joined.status_code, joined.headers["x-run-status"]) == (200, "timeout")
    assert joined.json()["log"] == marks("T", "input", "first")

    await until_status(client, thread_id, later, "success")
    await until_quiet(server)
    expected = marks("T", "input", "first") + marks("N")
    assert await log_at_rest(client, thread_id, later) == expected
    states = await chain(client, thread_id)
    assert segments(states) == [run_id, later]
    assert written_by(states, run_id)[-1]["next"] == ["middle"]
    assert (await client.threads.get(thread_id))["status"] == "idle"
    finished = await until_logged(server, "run_finished", run_id=run_id)
    assert finished["outcome"] == "timeout"
    zombies = logged(server, "attempt_is_a_zombie", run_id=run_id)
    assert len(zombies) == (0 if probe == "probe_async" else 1)


async def test_a_thread_whose_last_run_was_out_of_time_is_in_error(
    client: LangGraphClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", LONG_SECONDS)
    await until_status(client, thread_id, run_id, "timeout")
    thread = await at_rest(client, thread_id)
    assert thread["status"] == "error"
    assert thread["error"] == {"error": "TimeoutError", "message": ""}
    expected = marks("T", "input", "first")
    assert await log_at_rest(client, thread_id, run_id) == expected


async def test_a_run_that_ends_in_time_and_waiting_for_its_turn_cost_it_nothing(
    client: LangGraphClient, thread_id: str
) -> None:
    ids = [await start(client, thread_id, "probe_async", f"r{n}", 0.8) for n in range(4)]
    for run_id in ids:
        assert (await until_status(client, thread_id, run_id, "success", "timeout"))[
            "status"
        ] == "success"


@pytest.mark.parametrize("kind", DATABASES)
async def test_attempts_of_a_run_share_its_time(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    with empty_database(request, kind) as database:
        await _let_a_run_die_once(database, tmp_path / "data")


async def _let_a_run_die_once(database: dict[str, str], data_dir: Path) -> None:
    limit = 6.0
    environment = {
        **database,
        "OUTRIGGER_RUN_TIMEOUT_SECONDS": str(limit),
        "OUTRIGGER_LEASE_SECONDS": "1",
    }
    with started_server(data_dir, environment=environment) as server:
        async with get_client(url=server.url, api_key=None) as client:
            thread_id = (await client.threads.create())["thread_id"]
            run_id = await start(client, thread_id, "probe_async", "T", LONG_SECONDS)
            await until_in_middle(client, thread_id, run_id)
            server.kill()
            server.restart()
            await until_status(client, thread_id, run_id, "timeout")
            assert await attempts(client, thread_id, run_id) == [1]
            log = await log_at_rest(client, thread_id, run_id)
            assert log == marks("T", "input", "first")
        attempt, spent, started_at, ended_at = ended_row(database, server, run_id)
    assert attempt == 2
    assert spent > 0
    assert limit * MICROSECONDS - spent <= ended_at - started_at < limit * MICROSECONDS


def ended_row(database: dict[str, str], server: Server, run_id: str) -> tuple[int, ...]:
    if "POSTGRES_URI" in database:
        with psycopg.connect(database["POSTGRES_URI"]) as postgres:
            row = postgres.execute(ENDED_ROW + "%s", (run_id,)).fetchone()
    else:
        with closing(sqlite3.connect(server.data_dir / "outrigger.db")) as sqlite:
            row = sqlite.execute(ENDED_ROW + "?", (run_id,)).fetchone()
    assert row is not None
    return tuple(row)
