"""The memory of a server's process after thousands of runs, as the machine sees it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest

from harness.growth import create_threads, load, load_waits
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.slots import until_quiet

pytestmark = pytest.mark.end_to_end

MEGA = 1024 * 1024
SHORT_RUNS = 700
MOST_SHORT = 8 * MEGA
"""A leak of 12 kB a run shows. SQLite's page caches, of 2 MB a connection, still fill up here;
finer leaks are found by counting objects (`test_growth.py`) and by the long test."""

LONG_THREADS, LONG_RUNS = 1_000, 5_000
MOST_LONG = 5 * MEGA


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    environment = {"OUTRIGGER_STREAM_TTL_SECONDS": "0", "OUTRIGGER_LOG_LEVEL": "warning"}
    with started_server(tmp_path / "data", config=TEST_GRAPHS, environment=environment) as server:
        yield server


async def memory_at_rest(server: Server) -> int:
    """Bytes, once no run is left; the least of some looks, as buffers come and go."""
    await until_quiet(server)
    process = psutil.Process(server.pid)
    seen = []
    for _ in range(10):
        seen.append(process.memory_info().rss)
        await asyncio.sleep(0.05)
    return min(seen)


async def test_memory_grows_little_over_a_mixed_load(
    server: Server, http: httpx.AsyncClient
) -> None:
    threads = await create_threads(http, 40)
    await load(http, threads, SHORT_RUNS // 2)
    before = await memory_at_rest(server)
    await load(http, threads, SHORT_RUNS)
    assert await memory_at_rest(server) - before <= MOST_SHORT


@pytest.mark.long
async def test_memory_does_not_grow_from_the_five_thousandth_run_to_the_ten_thousandth(
    server: Server, http: httpx.AsyncClient
) -> None:
    threads = await create_threads(http, LONG_THREADS)
    await load_waits(http, threads, LONG_RUNS)
    before = await memory_at_rest(server)
    await load_waits(http, threads, LONG_RUNS)
    assert await memory_at_rest(server) - before <= MOST_LONG
