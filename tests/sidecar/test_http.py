from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from fakes.relay_bench import Noticed
from outrigger_sidecar.app import make_app
from outrigger_sidecar.collectors.health import HealthCollector
from outrigger_sidecar.collectors.own import OwnMetricsCollector
from outrigger_sidecar.collectors.page import Page
from outrigger_sidecar.health import CheckReport, CheckState
from outrigger_sidecar.relay.opening import open_relay
from outrigger_sidecar.settings import Settings
from outrigger_telemetry.metrics import local_metrics

Client = Callable[..., httpx.AsyncClient]


class StandingMonitor:
    """Says what it was told to say."""

    def __init__(self, **states: CheckState) -> None:
        self._states = {"server": CheckState.OK, "database": CheckState.OK, **states}
        self.is_started = CheckState.UNKNOWN not in states.values()

    def reports(self) -> list[CheckReport]:
        return [
            CheckReport(name, state, "why", name in {"server", "database"}, 0.0012, 0.5)
            for name, state in self._states.items()
        ]

    def state(self, name: str) -> CheckState:
        return self._states[name]


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncIterator[Client]:
    clients: list[httpx.AsyncClient] = []
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(1))
        relay = await stack.enter_async_context(
            open_relay(Settings(data_dir=tmp_path), local_metrics(), Noticed())
        )

        def client(token: str | None = None, **states: CheckState) -> httpx.AsyncClient:
            settings = Settings(token=SecretStr(token) if token else None)
            metrics = local_metrics()
            monitor = StandingMonitor(**states)
            page = Page([HealthCollector(monitor.reports), OwnMetricsCollector(metrics)])
            transport = httpx.ASGITransport(
                make_app(settings, monitor, page, executor, metrics, relay)
            )
            clients.append(httpx.AsyncClient(transport=transport, base_url="http://sidecar"))
            return clients[-1]

        yield client
        for one in clients:
            await one.aclose()


async def test_health_shows_status_time_and_checks(connect: Client) -> None:
    response = await connect().get("/health")

    body = response.json()
    assert response.status_code == 200
    assert body["status"] == "healthy"
    assert body["timestamp"].endswith("Z")
    assert body["checks"]["server"] == {
        "status": "ok",
        "detail": "why",
        "duration_ms": 1.2,
        "age_seconds": 0.5,
    }


async def test_critical_failure_is_503_with_the_reason(connect: Client) -> None:
    response = await connect(server=CheckState.FAILED).get("/health")

    assert response.status_code == 503
    assert response.json()["status"] == "unhealthy"
    assert response.json()["checks"]["server"]["detail"] == "why"


async def test_degraded_is_still_200(connect: Client) -> None:
    response = await connect(disk=CheckState.DEGRADED).get("/health")

    assert (response.status_code, response.json()["status"]) == (200, "degraded")


async def test_excluded_checks_do_not_count(connect: Client) -> None:
    client = connect(server=CheckState.FAILED, disk=CheckState.DEGRADED)

    response = await client.get("/health", params={"exclude": "server, disk"})

    assert (response.status_code, response.json()["status"]) == (200, "healthy")
    assert set(response.json()["checks"]) == {"database"}


async def test_health_can_be_short(connect: Client) -> None:
    response = await connect().get("/health?verbose=0")

    assert set(response.json()) == {"status", "timestamp"}


async def test_livez_is_about_this_process_only(connect: Client) -> None:
    client = connect(server=CheckState.FAILED, database=CheckState.FAILED)

    assert (await client.get("/livez")).status_code == 200


@pytest.mark.parametrize("name", ["server", "database"])
@pytest.mark.parametrize("state", [CheckState.FAILED, CheckState.UNKNOWN])
async def test_readyz_needs_server_and_database(
    connect: Client, name: str, state: CheckState
) -> None:
    assert (await connect().get("/readyz")).status_code == 200
    assert (await connect(**{name: state}).get("/readyz")).status_code == 503


async def test_startupz_waits_for_the_first_round(connect: Client) -> None:
    assert (await connect(disk=CheckState.UNKNOWN).get("/startupz")).status_code == 503
    assert (await connect().get("/startupz")).status_code == 200


async def test_metrics_are_prometheus_text(connect: Client) -> None:
    response = await connect().get("/metrics")

    families = {family.name for family in text_string_to_metric_families(response.text)}
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert {"langgraph_health_status", "langgraph_sidecar_collector_success"} <= families


async def test_metrics_are_open_metrics_when_asked(connect: Client) -> None:
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}

    response = await connect().get("/metrics", headers=accept)

    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/metrics", "/health"])
async def test_a_token_guards_what_tells_much(connect: Client, path: str) -> None:
    client = connect(token="long-enough")
    good = {"authorization": "Bearer long-enough"}

    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer é".encode()}):
        response = await client.get(path, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="outrigger-sidecar"'
    assert (await client.get(path, headers=good)).status_code == 200
    assert (await client.get("/livez")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/metrics", "/health", "/livez", "/readyz", "/startupz"])
async def test_only_get_and_head_are_allowed(connect: Client, path: str) -> None:
    client = connect()

    assert (await client.head(path)).status_code == 200
    response = await client.post(path)
    assert response.status_code == 405
    assert set(response.json()) == {"detail"}


async def test_unknown_path_is_404_with_a_detail(connect: Client) -> None:
    response = await connect().get("/nowhere")

    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})


async def test_index_names_every_endpoint(connect: Client) -> None:
    client = connect()

    for path in (await client.get("/")).json()["endpoints"]:
        assert (await client.get(path)).status_code == 200
