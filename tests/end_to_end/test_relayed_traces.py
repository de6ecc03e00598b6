"""`outrigger up` sends the traces of its runs through the sidecar to where the user had them go."""

import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.derived import ended_roots, operations_of
from harness.langsmith_double import KEY, LangSmith
from harness.metrics_page import read_metrics
from harness.processes import TASK_MAISTRO, free_port, started_server
from harness.relays import started_langsmith
from harness.tls import make_certificate

pytestmark = pytest.mark.end_to_end

INPUT = {"messages": [{"role": "user", "content": "add task buy milk"}]}


@pytest.fixture
def langsmith(tmp_path: Path) -> Iterator[LangSmith]:
    with started_langsmith(tmp_path) as langsmith:
        yield langsmith


def tracing_to(langsmith: LangSmith) -> dict[str, str]:
    """The variables of whoever sends traces there."""
    return {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": langsmith.url,
        "LANGSMITH_API_KEY": KEY,
    }


def run_once(url: str) -> None:
    body = {"assistant_id": "task_maistro", "input": INPUT}
    httpx.post(f"{url}/runs/wait", json=body, timeout=60).raise_for_status()


def test_traces_of_runs_are_upstream_and_the_relay_is_healthy(
    tmp_path: Path, langsmith: LangSmith
) -> None:
    tracing = tracing_to(langsmith)
    with started_server(
        tmp_path / "data", config=TASK_MAISTRO, sidecar=True, environment=tracing
    ) as server:
        run_once(server.url)
        langsmith.wait_until(lambda: bool(ended_roots(operations_of(langsmith.taken()))))
        health = httpx.get(f"{server.sidecar_url}/health", timeout=10).json()

    assert health["checks"]["relay"]["status"] == "ok"


def test_a_sidecar_that_speaks_tls_takes_the_traces_of_its_machine_without(
    tmp_path: Path, langsmith: LangSmith
) -> None:
    certificate = make_certificate(tmp_path)
    port = free_port()
    environment = tracing_to(langsmith) | {
        "OUTRIGGER_SIDECAR_TLS_CERT": str(certificate.chain),
        "OUTRIGGER_SIDECAR_TLS_KEY": str(certificate.key),
        "OUTRIGGER_SIDECAR_PLAIN_PORT": str(free_port()),
    }
    with started_server(
        tmp_path / "data",
        config=TASK_MAISTRO,
        sidecar=True,
        environment=environment,
        arguments=("--sidecar-port", str(port)),
    ) as server:
        trusting = ssl.create_default_context(cafile=str(certificate.chain))
        url = f"https://127.0.0.1:{port}"
        assert httpx.get(f"{url}/livez", verify=trusting).status_code == 200
        run_once(server.url)
        langsmith.wait_until(lambda: bool(ended_roots(operations_of(langsmith.taken()))))

    assert url in server.log.read_text()
    assert not (tmp_path / "data" / "relay" / "failed").exists()  # none came that way


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_ended_just_before_the_stop_is_upstream_when_all_have_stopped(
    tmp_path: Path, langsmith: LangSmith, number: signal.Signals
) -> None:
    tracing = tracing_to(langsmith)
    with started_server(
        tmp_path / "data", config=TASK_MAISTRO, sidecar=True, environment=tracing, own_group=True
    ) as server:
        run_once(server.url)
        os.killpg(server.pid, number)  # the sidecar, too, as terminals and supervisors do
        assert server.process.wait(30) == 0

    assert len(ended_roots(operations_of(langsmith.taken()))) == 1


def test_metrics_alone_keep_nothing_and_tell_nobody(tmp_path: Path, langsmith: LangSmith) -> None:
    wanted = tracing_to(langsmith) | {
        "LANGSMITH_TRACING": "false",
        "OUTRIGGER_RELAY_METRICS": "true",
    }
    name = "langgraph_relay_ingested_runs_total"
    with started_server(
        tmp_path / "data", config=TASK_MAISTRO, sidecar=True, environment=wanted
    ) as server:
        run_once(server.url)
        langsmith.wait_until(lambda: read_metrics(server.sidecar_url).value(name, kind="post") > 0)
        health = httpx.get(f"{server.sidecar_url}/health", timeout=10).json()

    assert health["checks"]["relay"]["status"] == "off"
    assert langsmith.taken() == []
    assert not list((tmp_path / "data").rglob("*.spool"))
