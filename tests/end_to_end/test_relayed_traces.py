"""`outrigger up` sends the traces of its runs through the sidecar to where the user had them go."""

from pathlib import Path

import httpx
import pytest

from harness.langsmith_double import KEY, LangSmith
from harness.metrics_page import read_metrics
from harness.processes import TASK_MAISTRO, free_port, started_server

pytestmark = pytest.mark.end_to_end

INPUT = {"messages": [{"role": "user", "content": "add task buy milk"}]}


def run_once(url: str) -> None:
    body = {"assistant_id": "task_maistro", "input": INPUT}
    httpx.post(f"{url}/runs/wait", json=body, timeout=60).raise_for_status()


def test_traces_of_runs_are_upstream_and_the_relay_is_healthy(tmp_path: Path) -> None:
    langsmith = LangSmith(tmp_path / "langsmith", free_port())
    langsmith.folder.mkdir()
    langsmith.start()
    tracing = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": langsmith.url,
        "LANGSMITH_API_KEY": KEY,
    }
    try:
        with started_server(
            tmp_path / "data", config=TASK_MAISTRO, sidecar=True, environment=tracing
        ) as server:
            run_once(server.url)
            langsmith.wait_until(
                lambda: any(
                    "end_time" in run and not run.get("parent_run_id")
                    for run in langsmith.runs().values()
                )
            )
            health = httpx.get(f"{server.sidecar_url}/health", timeout=10).json()
            assert health["checks"]["relay"]["status"] == "ok"
    finally:
        langsmith.kill()


def test_metrics_alone_keep_nothing_and_tell_nobody(tmp_path: Path) -> None:
    langsmith = LangSmith(tmp_path / "langsmith", free_port())
    langsmith.folder.mkdir()
    langsmith.start()
    wanted = {
        "OUTRIGGER_RELAY_METRICS": "true",
        "LANGSMITH_ENDPOINT": langsmith.url,
        "LANGSMITH_API_KEY": KEY,
    }
    name = "langgraph_relay_ingested_runs_total"
    try:
        with started_server(
            tmp_path / "data", config=TASK_MAISTRO, sidecar=True, environment=wanted
        ) as server:
            run_once(server.url)
            langsmith.wait_until(
                lambda: read_metrics(server.sidecar_url).value(name, kind="post") > 0
            )
            health = httpx.get(f"{server.sidecar_url}/health", timeout=10).json()
            assert health["checks"]["relay"]["status"] == "off"
        assert langsmith.taken() == []
        assert not list((tmp_path / "data").rglob("*.spool"))
    finally:
        langsmith.kill()
