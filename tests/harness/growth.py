"""A server in the test's own process, a mixed load on it, and what of it stays in memory."""

import asyncio
import gc
import logging
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import structlog

from harness.processes import TEST_GRAPHS
from harness.runs import probe_input
from outrigger_server.api.application import Surroundings, make_api
from outrigger_server.app import open_server
from outrigger_server.graphs.manifest import load_manifest
from outrigger_server.graphs.registry import load_graphs
from outrigger_server.settings import load_settings
from outrigger_telemetry.metrics import open_process_metrics

OURS = "outrigger_server."
AT_ONCE = 8
HELD_SECONDS = 600.0


@asynccontextmanager
async def server_here(
    folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Open the whole server in this process and give a client of it; it logs nothing."""
    given = {"OUTRIGGER_DATA_DIR": str(folder), **(environment or {})}
    settings = load_settings(given, config=TEST_GRAPHS)
    manifest = load_manifest(settings.server.config, os.environ)
    registry = load_graphs(manifest)
    metrics = open_process_metrics(settings.storage.metrics_dir, role="server")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        async with open_server(settings, registry, metrics, manifest) as running:
            app = httpx.ASGITransport(make_api(running.services, Surroundings()))
            async with httpx.AsyncClient(transport=app, base_url="http://here") as http:
                http.timeout = httpx.Timeout(60)
                yield http
    finally:
        structlog.reset_defaults()
        metrics.close()


async def create_threads(http: httpx.AsyncClient, count: int) -> list[str]:
    """The ids of as many new threads."""
    return [(await http.post("/threads", json={})).json()["thread_id"] for _ in range(count)]


async def load(http: httpx.AsyncClient, threads: list[str], rounds: int) -> None:
    """Ten kinds of talk in turn, eight at once, never two on one thread; each ends its runs."""

    async def talk(first: int) -> None:
        for number in range(first, rounds, AT_ONCE):
            own = threads[first::AT_ONCE]
            await _talk(http, own[number // AT_ONCE % len(own)], number)

    await asyncio.gather(*(talk(first) for first in range(AT_ONCE)))


async def load_waits(http: httpx.AsyncClient, threads: list[str], rounds: int) -> None:
    """Runs that are waited for, eight at once, each thread in its turn."""

    async def talk(first: int) -> None:
        for number in range(first, rounds, AT_ONCE):
            thread_id = threads[number % len(threads)]
            await _post(http, f"/threads/{thread_id}/runs/wait", _asked(number))

    await asyncio.gather(*(talk(first) for first in range(AT_ONCE)))


async def _talk(http: httpx.AsyncClient, thread_id: str, number: int) -> None:
    runs = f"/threads/{thread_id}/runs"
    match number // AT_ONCE % 10:
        case 0 | 1 | 2 | 3:
            await _post(http, f"{runs}/wait", _asked(number))
        case 4:
            await _post(http, f"{runs}/stream", _asked(number))
        case 5:
            await _post(http, f"{runs}/stream", _asked(number, stream_resumable=True))
        case 6:
            first = await _post(http, runs, _asked(number))
            await _post(http, f"{runs}/wait", _asked(number))
            (await http.get(f"{runs}/{first.json()['run_id']}/join")).raise_for_status()
        case 7:
            await _cut(http, runs, number, "interrupt")
        case 8:
            await _cut(http, runs, number, "rollback")
        case _:
            await _post(http, f"{runs}/wait", {"assistant_id": "failing", "input": {}})


async def _cut(http: httpx.AsyncClient, runs: str, number: int, strategy: str) -> None:
    await _post(http, runs, _asked(number, HELD_SECONDS))
    await _post(http, f"{runs}/wait", _asked(number, multitask_strategy=strategy))


def _asked(number: int, seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    asked = probe_input(str(number), seconds)
    return {"assistant_id": "probe_async", "input": asked, **more}


async def _post(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    response = await http.post(path, json=body)
    assert response.status_code == 200, response.text
    return response


def ours_alive() -> Counter[str]:
    """How many objects of each type of the server's there are."""
    gc.collect()
    types = (type(each) for each in gc.get_objects())
    return Counter(
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in types
        if str(kind.__module__).startswith(OURS)
    )


def blocks_alive() -> int:
    """How many pieces of memory Python holds, strings and bytes too."""
    gc.collect()
    return sys.getallocatedblocks()
