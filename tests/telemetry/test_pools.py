"""The board of a process's pools, over real readers of a real database."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from outrigger_server.stores.sqlite import READERS, SqliteDatabase
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics, local_metrics
from outrigger_telemetry.pools import PoolBoard

SPECS = (specs.DB_POOL_CONNECTIONS, specs.DB_POOL_WAITING, specs.DB_POOL_ACQUIRE_SECONDS)


class Gate:
    """A job that says when it has begun, and goes on when it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()

    def job(self, connection: Connection) -> None:
        connection.exec_driver_sql("SELECT 1")
        self.begun.release()
        assert self.go.wait(20)

    async def until_begun(self, count: int) -> None:
        for _ in range(count):
            assert await asyncio.to_thread(self.begun.acquire, timeout=20)


@pytest.fixture
def metrics() -> Metrics:
    return local_metrics(SPECS)


@pytest.fixture
def gate() -> Iterator[Gate]:
    with let_go(Gate()) as gate:
        yield gate


@contextmanager
def let_go(gate: Gate) -> Iterator[Gate]:
    try:
        yield gate
    finally:
        gate.go.set()


def use(metrics: Metrics, board: PoolBoard, pool: str) -> tuple[float, float, float]:
    """Busy, idle, waiting, as the page would show it now."""
    board.show()
    connections = (
        metrics.value(specs.DB_POOL_CONNECTIONS, pool=pool, state=state)
        for state in ("busy", "idle")
    )
    busy, idle = connections
    return busy, idle, metrics.value(specs.DB_POOL_WAITING, pool=pool)


def waited(metrics: Metrics, pool: str) -> float:
    return metrics.value(specs.DB_POOL_ACQUIRE_SECONDS, pool=pool)


async def test_readers_show_who_reads_and_who_waits(
    tmp_path: Path, metrics: Metrics, gate: Gate
) -> None:
    board = PoolBoard(metrics)
    async with SqliteDatabase(tmp_path, board) as database:
        reads = [asyncio.ensure_future(database.read(gate.job)) for _ in range(READERS + 2)]
        await gate.until_begun(READERS)
        full = use(metrics, board, "reader")
        gate.go.set()
        await asyncio.gather(*reads)
        await gate.until_begun(2)

        assert full == (READERS, 0, 2)
        assert use(metrics, board, "reader") == (0, READERS, 0)
        assert waited(metrics, "reader") == READERS + 2
        assert waited(metrics, "graph_reader") == 0


async def test_who_gives_up_waiting_waits_no_more(
    tmp_path: Path, metrics: Metrics, gate: Gate
) -> None:
    board = PoolBoard(metrics)
    async with SqliteDatabase(tmp_path, board) as database:
        reads = [asyncio.ensure_future(database.read(gate.job)) for _ in range(READERS)]
        await gate.until_begun(READERS)
        late = asyncio.ensure_future(database.read(gate.job))
        await asyncio.sleep(0)
        assert use(metrics, board, "reader") == (READERS, 0, 1)

        late.cancel()
        await asyncio.wait({late})

        assert use(metrics, board, "reader") == (READERS, 0, 0)
        gate.go.set()
        await asyncio.gather(*reads)
        assert waited(metrics, "reader") == READERS


async def test_the_writer_shows_its_one_connection_and_the_jobs_before_it(
    tmp_path: Path, metrics: Metrics, gate: Gate
) -> None:
    board = PoolBoard(metrics)
    async with SqliteDatabase(tmp_path, board) as database:
        first = asyncio.ensure_future(database.write(gate.job))
        await gate.until_begun(1)
        second = asyncio.ensure_future(database.write(lambda _: None))
        await asyncio.sleep(0)

        assert use(metrics, board, "writer") == (1, 0, 1)
        gate.go.set()
        await asyncio.gather(first, second)
        assert waited(metrics, "writer") == 2
