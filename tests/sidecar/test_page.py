"""The page as a reader gets it: formats, compression, examples, and promtool's verdict."""

import gzip
import math
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client import exposition
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as open_exposition
from prometheus_client.openmetrics import parser as open_parser
from prometheus_client.registry import Collector

from fakes.relay_bench import Noticed
from fakes.run_file import NOW, RunFile
from harness.programs import program
from outrigger_sidecar.app import OWN_METRICS, make_app
from outrigger_sidecar.collectors.container import ContainerCollector
from outrigger_sidecar.collectors.health import HealthCollector
from outrigger_sidecar.collectors.metric_files import MetricFilesCollector
from outrigger_sidecar.collectors.own import OwnMetricsCollector
from outrigger_sidecar.collectors.page import Page
from outrigger_sidecar.collectors.process import ProcessCollector
from outrigger_sidecar.collectors.queue import QueueCollector
from outrigger_sidecar.collectors.runs import RunsCollector
from outrigger_sidecar.collectors.workers import WorkersCollector
from outrigger_sidecar.health import CheckReport, CheckState
from outrigger_sidecar.http.exposition import OPEN_METRICS as OPEN
from outrigger_sidecar.http.exposition import TEXT, as_open_metrics, as_text, chosen_format
from outrigger_sidecar.http.metrics import accepts_gzip
from outrigger_sidecar.probes.monitor import HealthMonitor, Rhythm
from outrigger_sidecar.relay.opening import open_relay
from outrigger_sidecar.run_database.sqlite import SqliteRunDatabase
from outrigger_sidecar.settings import Settings
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import Metrics, local_metrics, open_process_metrics

OPEN_METRICS = {"accept": "application/openmetrics-text; version=1.0.0"}
EXAMPLE = {"trace_id": "01a20000-0000-7000-8000-000000000000"}


def move_everything(metrics: Metrics, *sources: specs.Source) -> None:
    """Let every metric of these sources have a value."""
    for spec in specs.CATALOGUE:
        if spec.source not in sources:
            continue
        labels = {label.name: (label.values or ("some",))[0] for label in spec.labels}
        match spec.kind:
            case "counter":
                metrics.increment(spec, 1, **labels)
            case "gauge":
                metrics.set(spec, 1, **labels)
            case "histogram":
                metrics.observe(spec, 0.2, **labels)


@pytest.fixture
def own() -> Metrics:
    return local_metrics(OWN_METRICS)


@pytest.fixture
def page(tmp_path: Path, own: Metrics) -> Page:
    """Every collector, over a server that has counted everything there is to count."""
    process = open_process_metrics(tmp_path, role="worker")
    process.beat()
    move_everything(process, "server")
    move_everything(own, "relay")
    files, file = MetricFiles(tmp_path), RunFile(tmp_path / "outrigger.db")
    file.run("a", "pending", due=-20)
    database = SqliteRunDatabase(file.path)
    report = CheckReport("server", CheckState.OK, "", True, 0.1, 0.2)
    return Page(
        [
            MetricFilesCollector(files),
            WorkersCollector(files, clock=lambda: NOW),
            QueueCollector(database, files, stall_seconds=10, clock=lambda: NOW),
            RunsCollector(database, clock=lambda: 0),
            ProcessCollector(files),
            ContainerCollector(),
            HealthCollector(lambda: [report]),
            OwnMetricsCollector(own),
        ]
    )


@pytest.fixture
async def http(page: Page, own: Metrics, tmp_path: Path):
    monitor = HealthMonitor([], Rhythm(1, 1, 6, 2, 1), own)
    settings = Settings(data_dir=tmp_path)
    async with open_relay(settings, own, Noticed()) as relay:
        with ThreadPoolExecutor(1) as executor:
            app = make_app(settings, monitor, page, executor, own, relay)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sidecar") as http:
                yield http


async def test_promtool_finds_no_fault_on_the_whole_page(http: httpx.AsyncClient) -> None:
    text = (await http.get("/metrics")).content

    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, check=False
    )

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    assert all(
        spec.family.encode() in text for spec in specs.CATALOGUE if "target" not in spec.name
    )


async def test_open_metrics_reads_the_whole_page_with_its_units_and_help(
    http: httpx.AsyncClient,
) -> None:
    response = await http.get("/metrics", headers=OPEN_METRICS)

    families = {
        each.name: each for each in open_parser.text_string_to_metric_families(response.text)
    }
    assert response.headers["content-type"].startswith(
        "application/openmetrics-text; version=1.0.0"
    )
    for spec in specs.CATALOGUE:
        if spec is not specs.TARGET_INFO:
            assert (families[spec.family].type, families[spec.family].documentation) == (
                spec.kind,
                spec.help,
            )


async def test_what_the_sidecar_counts_carries_the_newest_example(
    http: httpx.AsyncClient, own: Metrics
) -> None:
    own.observe(specs.CANARY_SECONDS, 0.3, {"trace_id": "older"}, result="ok")
    own.observe(specs.CANARY_SECONDS, 0.4, EXAMPLE, result="ok")
    own.increment(
        specs.GEN_AI_CLIENT_TOKENS_TOTAL, 7, EXAMPLE, provider="p", model="m", token_type="input"
    )

    text = (await http.get("/metrics", headers=OPEN_METRICS)).text

    shown = {
        (sample.name, sample.labels.get("le")): sample.exemplar
        for family in open_parser.text_string_to_metric_families(text)
        for sample in family.samples
        if sample.exemplar is not None
    }
    bucket = shown["langgraph_canary_seconds_bucket", "0.5"]
    assert (bucket.labels, bucket.value) == (EXAMPLE, 0.4)
    assert shown["gen_ai_client_tokens_total", None].labels == EXAMPLE
    assert len(shown) == 2
    assert "trace_id" not in (await http.get("/metrics")).text


async def test_the_page_is_compressed_for_who_asks_for_it(http: httpx.AsyncClient) -> None:
    plain = await http.get("/metrics", headers={"accept-encoding": "identity"})
    async with http.stream("GET", "/metrics", headers={"accept-encoding": "gzip"}) as response:
        packed = b"".join([piece async for piece in response.aiter_raw()])

    assert "content-encoding" not in plain.headers
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) == len(packed) < len(plain.content) / 3
    names = [line for line in plain.text.splitlines() if line.startswith("#")]
    assert [
        line for line in gzip.decompress(packed).decode().splitlines() if line[:1] == "#"
    ] == names


@pytest.mark.parametrize(
    ("header", "wants"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, identity", False),
        ("xgzip", False),
    ],
)
def test_gzip_is_sent_to_whom_takes_it(header: str, wants: bool) -> None:
    assert accepts_gzip(header) is wants


@pytest.mark.parametrize(
    "number", [0, 1, 2.5, 1e-9, 123456.75, 1e6, 1.5e21, -3, math.inf, math.nan]
)
def test_both_formats_are_what_prometheus_client_writes(page: Page, number: float) -> None:
    odd = Metric("langgraph_odd", 'Says "a\\b"\nand more.', "gauge")
    odd.add_sample("langgraph_odd", {"b": 'x"y\\z\n', "a": "é"}, number)
    families = [odd, *page.collect()]
    told = Fixed(families)

    assert as_text(families) == exposition.generate_latest(told)
    assert as_open_metrics(families) == open_exposition.generate_latest(told)


class Fixed(Collector):
    """Gives the same families to both."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,*/*;q=0.1", TEXT),
        ("application/openmetrics-text", OPEN),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.5", TEXT),
        (
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OPEN,
        ),
        ("application/openmetrics-text;q=what", TEXT),
    ],
)
def test_the_format_is_what_the_reader_prefers(accept: str, kind: str) -> None:
    assert chosen_format(accept)[1] == kind
