"""The sidecar beside the official development server, installed from the package index."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from langgraph_sdk import get_client

from harness.metrics_page import MetricsPage, until_page
from harness.official import Official, install_official, started_official
from harness.processes import PROBES, TEST_GRAPHS, free_port
from harness.runs import probe_input, until_ended, until_marked
from harness.sidecar import started_sidecar

pytestmark = [pytest.mark.end_to_end, pytest.mark.long]

JOBS = 2
PATIENT = {"OUTRIGGER_SIDECAR_QUEUE_STALL_SECONDS": "300"}
"""A run that waits behind its thread keeps this server from claiming others for long."""
CANARY = {
    "OUTRIGGER_SIDECAR_CANARY_ASSISTANT": "probe_async",
    "OUTRIGGER_SIDECAR_CANARY_INPUT": '{"log": [], "token": "sung", "seconds": 0}',
    "OUTRIGGER_SIDECAR_CANARY_INTERVAL_SECONDS": "0.5",
}


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the official server is installed."""
    venv = tmp_path_factory.mktemp("official") / "venv"
    install_official(venv)
    return venv


def copy_of(project: Path, folder: Path) -> Path:
    """A copy of the project that may be written into."""
    copy = folder / "project"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory, venv: Path) -> Iterator[Official]:
    """`langgraph dev`, serving the probe graphs as they are."""
    project = copy_of(PROBES.parent, tmp_path_factory.mktemp("probe"))
    with started_official(project, venv, jobs=JOBS) as server:
        yield server


async def test_its_health_queue_workers_and_threads_are_seen(
    official: Official, tmp_path: Path
) -> None:
    async with get_client(url=official.url, api_key=None) as client:
        thread_id = (await client.threads.create())["thread_id"]
        held = probe_input("held", 60)
        run = await client.runs.create(thread_id, "probe_async", input=held)
        await until_marked(client, thread_id, "held:first")
        second = probe_input("second", 0)
        waiting = await client.runs.create(
            thread_id, "probe_async", input=second, multitask_strategy="enqueue"
        )

        def is_shown(page: MetricsPage) -> bool:
            return (
                page.value("langgraph_runs", status="running") >= 1
                and page.value("langgraph_runs", status="pending") >= 1
                and page.value("langgraph_run_queue_oldest_seconds", blocked="unknown") > 0
                and page.value("langgraph_worker_slots", state="busy") >= 1
                and page.value("langgraph_threads", status="busy") >= 1
                and "http_server_requests_total" in page.samples
            )

        with started_sidecar(tmp_path, "--target", official.url, **PATIENT) as url:
            page = await until_page(url, is_shown)
            health = httpx.get(f"{url}/health", params={"exclude": "cpu,memory"})
            assert httpx.get(f"{url}/readyz").status_code == 200
        await client.runs.cancel(thread_id, run["run_id"])
        await until_ended(client, thread_id, run["run_id"])
        await until_ended(client, thread_id, waiting["run_id"])

    (info,) = page.samples["langgraph_target_info"]
    assert dict(info)["version"]
    slots = page.samples["langgraph_worker_slots"]
    assert sum(slots.values()) == JOBS
    states = {name: each["status"] for name, each in health.json()["checks"].items()}
    assert (health.status_code, health.json()["status"]) == (200, "healthy"), health.text
    assert {name for name, state in states.items() if state == "ok"} == {
        "server",
        "workers",
        "queue",
    }


async def test_a_canary_sings_at_it_and_leaves_nothing(official: Official, tmp_path: Path) -> None:
    name = "langgraph_canary_seconds_count"
    with started_sidecar(tmp_path, "--target", official.url, **CANARY) as url:
        await until_page(url, lambda page: page.value(name, result="ok") >= 2)
    async with get_client(url=official.url, api_key=None) as client:
        assert await client.threads.search(metadata={"outrigger": "canary"}) == []


async def test_its_traces_tell_of_nodes_models_and_tools(tmp_path: Path, venv: Path) -> None:
    port = free_port()
    tracing = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{port}/langsmith",
    }
    project = copy_of(TEST_GRAPHS.parent / "traced", tmp_path)
    node, model = {"graph": "whole", "outcome": "success"}, {"provider": "openai"}
    with (
        started_official(project, venv, jobs=JOBS, environment=tracing) as official,
        started_sidecar(tmp_path, "--target", official.url, port=port, **PATIENT) as url,
    ):
        async with get_client(url=official.url, api_key=None) as client:
            thread_id = (await client.threads.create())["thread_id"]
            await client.runs.wait(thread_id, "whole", input={})
        page = await until_page(
            url,
            lambda page: page.value("langgraph_interrupts_total", graph="whole", node="ask") > 0,
        )

    assert page.value("langgraph_node_duration_seconds_count", node="speak", **node) == 1
    assert page.value("langgraph_node_duration_seconds_count", node="deep", **node) == 1
    assert page.value("langgraph_node_retries_total", graph="whole", node="flaky") == 2
    first_chunk = "gen_ai_client_time_to_first_chunk_seconds_count"
    assert page.value(first_chunk, model="gpt-4o-mini", **model) == 1
    tokens = {"model": "gpt-4o-mini", "token_type": "output"}
    assert page.value("gen_ai_client_tokens_total", **tokens, **model) == 200
    tool = "gen_ai_execute_tool_duration_seconds_count"
    assert page.value(tool, tool="add", outcome="success") == 1
    assert page.value(tool, tool="divide", outcome="error") == 1
