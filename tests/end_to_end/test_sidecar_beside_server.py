"""The sidecar stays useful while the server is frozen or dead, and never outlives its use."""

import asyncio
import json
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.metrics_page import (
    MetricsPage,
    labelled,
    read_metrics,
    until_grown,
)
from harness.processes import Server, started_server
from harness.runs import probe_input, until_marked, until_status
from harness.slots import logged, until_logged
from harness.starts import is_taken
from outrigger_loadtests.faults.programs import wait_until_answers

pytestmark = pytest.mark.end_to_end

GRACE_SECONDS = 0.1
FAST_CHECKS = {
    "OUTRIGGER_SIDECAR_INTERVAL_SECONDS": "0.1",
    "OUTRIGGER_SIDECAR_PROBE_TIMEOUT_SECONDS": "0.3",
    "OUTRIGGER_CANCEL_GRACE_SECONDS": str(GRACE_SECONDS),
}
OURS = {"exclude": "cpu,memory,disk"}
"""The checks of the server, without those of a machine that runs other tests beside this one."""
PROMISED_SECONDS = 0.2
DEADLINE_SECONDS = 20.0
SURVIVING = (
    "langgraph_runs_created_total",
    "langgraph_runs_finished_total",
    "langgraph_run_attempts_total",
    "http_server_request_duration_seconds_count",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("beside") / "data"
    with started_server(data_dir, sidecar=True, environment=FAST_CHECKS) as server:
        yield server


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may kill or stop."""
    data_dir = tmp_path / "data"
    with started_server(data_dir, sidecar=True, environment=FAST_CHECKS, own_group=True) as server:
        yield server


async def until(is_so: Callable[[], bool], what: str) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def until_health(http: httpx.AsyncClient, code: int) -> dict[str, Any]:
    """Return the body of the sidecar's /health once it answers with this code."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (answer := await http.get("/health", params=OURS)).status_code != code:
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.02)
    body: dict[str, Any] = answer.json()
    return body


def ports_of(server: Server) -> list[int]:
    ports = [urlsplit(url).port for url in (server.url, server.sidecar_url)]
    return [port for port in ports if port is not None]


async def seconds_to_answer(http: httpx.AsyncClient, path: str) -> float:
    """The median of five requests."""
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        assert (await http.get(path)).status_code == 200
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


async def test_the_sidecar_answers_at_once_and_names_a_frozen_server(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.sidecar_url, timeout=10) as http:
        await until_health(http, 200)
        server.signal(signal.SIGSTOP)
        try:
            frozen = await until_health(http, 503)
            assert await seconds_to_answer(http, "/livez") < PROMISED_SECONDS
            assert await seconds_to_answer(http, "/metrics") < PROMISED_SECONDS
            not_ready = await http.get("/readyz")
        finally:
            server.signal(signal.SIGCONT)
        assert frozen["status"] == "unhealthy"
        assert frozen["checks"]["server"]["status"] == "failed"
        assert frozen["checks"]["server"]["detail"] == "no answer within 0.3 s"
        assert frozen["checks"]["database"]["status"] == "ok"
        assert (not_ready.status_code, not_ready.json()["server"]) == (503, "failed")
        assert (await until_health(http, 200))["status"] == "healthy"


async def test_a_zombie_takes_a_slot_while_it_lives_and_its_writes_are_counted_as_refused(
    server: Server, client: LangGraphClient, thread_id: str
) -> None:
    before = read_metrics(server.sidecar_url)
    run = await client.runs.create(thread_id, "probe_swallow", input=probe_input("old", 1.5))
    await until_marked(client, thread_id, "old:first")
    await client.runs.cancel(thread_id, run["run_id"], wait=True)
    zombie, idle = labelled(state="zombie"), labelled(state="idle")
    slots = {zombie: 1.0, idle: -1.0}
    page = await until_grown(server, before, "langgraph_worker_slots", slots)
    assert page.growth(before, "langgraph_fenced_writes_total") == {}
    page = await until_grown(server, before, "langgraph_worker_slots", {})
    refused = page.growth(before, "langgraph_fenced_writes_total")
    assert refused.keys() == {labelled(kind="checkpoint")}
    assert sum(refused.values()) == len(logged(server, "write_fenced"))
    log = (await client.threads.get_state(thread_id))["values"]["log"]
    assert log == ["old:input", "old:first"]


async def test_a_killed_server_takes_its_sidecar_with_it(own: Server) -> None:
    assert all(is_taken(port) for port in ports_of(own))
    own.kill()
    await until(lambda: not any(map(is_taken, ports_of(own))), "a port stays taken")
    await until(lambda: not _group_lives(own.pid), "the sidecar stays")


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_restart_at_once_after_a_kill_finishes_the_run_and_keeps_every_count(
    own: Server,
) -> None:
    async with get_client(url=own.url, api_key=None) as client:
        thread_id = (await client.threads.create())["thread_id"]
        await client.runs.wait(thread_id, "probe_async", input=probe_input("early", 0))
        asked = probe_input("late", 0.5)
        run = await client.runs.create(thread_id, "probe_async", input=asked)
        await until_marked(client, thread_id, "late:first")
    before = await asyncio.to_thread(read_metrics, own.sidecar_url)
    own.kill()
    await asyncio.to_thread(own.restart)
    async with get_client(url=own.url, api_key=None) as client:
        await until_status(client, thread_id, run["run_id"], "success")
        log = (await client.threads.get_state(thread_id))["values"]["log"]
    assert log[-4:] == ["late:input", "late:first", "late:middle", "late:last"]
    line = await until_logged(own, "run_finished", run_id=run["run_id"])
    assert (line["attempt"], line["outcome"]) == (2, "success")

    await until(lambda: _answers(f"{own.sidecar_url}/livez"), "the sidecar does not come back")
    recovered = {labelled(outcome="requeued"): 1.0}
    after = await until_grown(own, before, "langgraph_runs_recovered_total", recovered)
    assert_no_count_fell(before, after)
    run_labels = {"assistant": "probe_async"}
    assert after.value("langgraph_run_attempts_total", **run_labels, reason="recovered") == 1
    finished = {**run_labels, "multitask_strategy": "enqueue", "outcome": "success"}
    assert after.value("langgraph_runs_finished_total", **finished) == 2


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def assert_no_count_fell(before: MetricsPage, after: MetricsPage) -> None:
    for name in SURVIVING:
        assert before.samples[name]
        assert min(after.growth(before, name).values(), default=0) >= 0, name


async def test_ctrl_c_stops_the_server_first_and_then_the_sidecar(own: Server) -> None:
    async with get_client(url=own.url, api_key=None) as client:
        thread_id = (await client.threads.create())["thread_id"]
        asked = probe_input("last", 0.5)
        run = await client.runs.create(thread_id, "probe_async", input=asked)
        await until_marked(client, thread_id, "last:first")
    os.killpg(own.pid, signal.SIGINT)
    assert await asyncio.to_thread(own.process.wait, 20) == 0
    assert not any(is_taken(port) for port in ports_of(own))
    (finished,) = logged(own, "run_finished", run_id=run["run_id"])
    (left,) = logged(own, "sidecar_stopped")
    assert finished["outcome"] == "success"
    assert finished["timestamp"] < left["timestamp"]
    last = own.log.read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "sidecar_stopped"
    assert "Traceback" not in own.log.read_text()


async def test_a_sidecar_that_was_killed_is_started_again(own: Server) -> None:
    (child,) = psutil.Process(own.pid).children()
    child.kill()
    line = await until_logged(own, "sidecar_ended")
    assert line["exit_code"] == -9
    await asyncio.to_thread(wait_until_answers, f"{own.sidecar_url}/livez", own.process, own.log)
    (again,) = psutil.Process(own.pid).children()
    assert again.pid != child.pid
