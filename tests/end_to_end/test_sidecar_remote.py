"""A sidecar that was given nothing but a server's address; and its canary."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.metrics_page import MetricsPage, until_page
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.runs import probe_input, start, until_marked
from harness.sidecar import started_sidecar

pytestmark = pytest.mark.end_to_end

LONG_SECONDS = 60.0
SLOTS = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has no sidecar of its own, with the API that others have, too."""
    data_dir = tmp_path_factory.mktemp("remote") / "data"
    environment = {
        "OUTRIGGER_LG_API_METRICS": "true",
        "OUTRIGGER_WORKER_SLOTS": str(SLOTS),
        "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.1",
    }
    with started_server(data_dir, config=TEST_GRAPHS, environment=environment) as server:
        yield server


@contextmanager
def watching(server: Server, folder: Path, **environment: str) -> Iterator[str]:
    with started_sidecar(folder, "--target", server.url, **environment) as url:
        yield url


async def test_health_says_what_can_be_seen_and_is_off_for_the_rest(
    server: Server, tmp_path: Path
) -> None:
    with watching(server, tmp_path) as url:
        async with httpx.AsyncClient(base_url=url) as http:
            answer = await http.get("/health", params={"exclude": "cpu,memory"})
            ready = await http.get("/readyz")
    states = {name: check["status"] for name, check in answer.json()["checks"].items()}
    seen = {"server": "ok", "workers": "ok", "queue": "ok"}
    assert states == seen | dict.fromkeys(("database", "redis", "disk", "relay"), "off")
    assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
    assert (ready.status_code, ready.json()["server"]) == (200, "ok")


async def test_its_load_threads_and_version_are_shown_under_our_names(
    server: Server, client: LangGraphClient, thread_id: str, tmp_path: Path
) -> None:
    await start(client, thread_id, "probe_async", "held", LONG_SECONDS)
    await until_marked(client, thread_id, "held:first")
    await client.runs.create(thread_id, "probe_async", input=probe_input("second", 0))

    def is_shown(page: MetricsPage) -> bool:
        routes = page.samples.get("http_server_requests_total", {})
        return (
            page.value("langgraph_runs", status="running") == 1
            and page.value("langgraph_runs", status="pending") == 1
            and page.value("langgraph_run_queue_depth", blocked="unknown") == 1
            and page.value("langgraph_run_queue_oldest_seconds", blocked="unknown") > 0
            and page.value("langgraph_worker_slots", state="busy") == 1
            and page.value("langgraph_worker_slots", state="idle") == SLOTS - 1
            and page.value("langgraph_threads", status="busy") == 1
            and any(("route", "/threads/{thread_id}/runs") in labels for labels in routes)
        )

    with watching(server, tmp_path) as url:
        page = await until_page(url, is_shown)
    (info,) = page.samples["langgraph_target_info"]
    told = httpx.get(f"{server.url}/info").json()
    assert dict(info)["version"] == told["version"]
    for collector in ("remote_server", "remote_threads"):
        assert page.value("langgraph_sidecar_collector_success", collector=collector) == 1
    for run in await client.runs.list(thread_id):
        await client.runs.cancel(thread_id, run["run_id"], wait=True)


@pytest.mark.parametrize(
    "canary",
    [("probe_async", 0.0, "ok"), ("failing", 0.0, "error"), ("probe_async", 60.0, "timeout")],
)
async def test_a_canary_measures_the_whole_way_and_leaves_nothing(
    server: Server,
    client: LangGraphClient,
    tmp_path: Path,
    canary: tuple[str, float, str],
) -> None:
    assistant, seconds, result = canary
    settings = {
        "OUTRIGGER_SIDECAR_CANARY_ASSISTANT": assistant,
        "OUTRIGGER_SIDECAR_CANARY_INPUT": json.dumps(probe_input("sung", seconds)),
        "OUTRIGGER_SIDECAR_CANARY_INTERVAL_SECONDS": "0.1",
        "OUTRIGGER_SIDECAR_CANARY_TIMEOUT_SECONDS": "0.8" if seconds else "20",
    }
    name = "langgraph_canary_seconds_count"
    with watching(server, tmp_path, **settings) as url:
        page = await until_page(url, lambda page: page.value(name, result=result) >= 2)
    others = {"ok", "error", "timeout"} - {result}
    assert not any(page.value(name, result=other) for other in others)
    log = (tmp_path / "sidecar.log").read_text()
    assert log.count("canary_changed") == (result != "ok")
    assert await client.threads.search(metadata={"outrigger": "canary"}) == []
