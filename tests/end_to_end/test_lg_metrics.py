"""`GET /metrics` with the lg_api_ names: off unless asked for, true when on."""

from collections.abc import Iterator

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from prometheus_client.parser import text_string_to_metric_families

from harness.processes import Server, started_server
from harness.runs import start, until_status

pytestmark = pytest.mark.end_to_end

WAIT = {"method": "POST", "path": "/threads/{thread_id}/runs", "status": "200"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("lg_metrics") / "data"
    environment = {"OUTRIGGER_LG_API_METRICS": "true", "OUTRIGGER_WORKER_SLOTS": "2"}
    with started_server(data_dir, environment=environment) as server:
        yield server


async def scraped(http: httpx.AsyncClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = await http.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"
    families = text_string_to_metric_families(response.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


async def test_the_page_counts_what_the_server_does(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", 60.0)
    await until_status(client, thread_id, run_id, "running")
    await start(client, thread_id, "probe_async", "T2", 0.0)
    page = await scraped(http)
    plain = {name: value for (name, labels), value in page.items() if not labels}
    assert plain["lg_api_workers_max"] == 2
    assert plain["lg_api_workers_active"] == 1
    assert plain["lg_api_workers_available"] == 1
    assert plain["lg_api_num_running_runs"] == 1
    assert plain["lg_api_num_pending_runs"] == 1
    assert plain["lg_api_run_queue_wait_time_1st_attempt_count"] >= 1
    assert page["lg_api_http_requests_total", frozenset(WAIT.items())] == 2
    shown = (await http.get("/metrics?format=json")).json()
    assert shown["workers"] == {"max": 2, "active": 1, "available": 1}
    queue = shown["queue"]
    assert (queue["n_pending"], queue["n_running"]) == (1, 1)
    assert queue["pending_runs_wait_time_max_secs"] > 0
    assert queue["pending_runs_wait_time_med_secs"] == queue["pending_runs_wait_time_max_secs"]
    assert queue["pending_unblocked_runs_wait_time_max_secs"] is None  # it waits for its thread
    counted = {**WAIT, "status": 200, "count": 2}
    assert counted in shown["api"]["http_requests_total"]
    await client.runs.cancel_many(status="all")


async def test_latencies_are_in_milliseconds(http: httpx.AsyncClient) -> None:
    await http.get("/info")
    page = await scraped(http)
    own = {"method": "GET", "path": "/info"}
    name = "lg_api_http_requests_latency"
    total = page[f"{name}_count", frozenset(own.items())]
    assert total >= 1
    below = {
        dict(labels)["le"]: value
        for (sample, labels), value in page.items()
        if sample == f"{name}_bucket" and own.items() <= dict(labels).items()
    }
    assert below["+Inf"] == total
    assert {"5.0", "1000.0", "10000.0"} <= below.keys()
    assert [*below.values()] == sorted(below.values())


async def test_probes_and_scrapes_are_not_counted(http: httpx.AsyncClient) -> None:
    await http.get("/ok")
    await scraped(http)
    shown = (await http.get("/metrics?format=json")).json()
    paths = {each["path"] for each in shown["api"]["http_requests_total"]}
    assert not paths & {"/ok", "/metrics"}


def test_it_is_not_there_unless_asked_for(tmp_path_factory: pytest.TempPathFactory) -> None:
    with started_server(tmp_path_factory.mktemp("no_lg_metrics") / "data") as server:
        response = httpx.get(f"{server.url}/metrics")
        assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})
