"""Every expression of every panel and rule has data on a real system.

On the smallest one, under ordinary load, whatever is empty has to say why it may be. On a whole
one each of these reasons is made to happen, and nothing may be empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from langgraph_sdk import get_sync_client

from harness.boards import Asked
from harness.busy_system import (
    QUICK,
    BusySystem,
    kill_a_worker_at_work,
    limited_container,
    overflow_a_label,
    started_onlooker,
    started_system,
    write_manifest,
)
from harness.live_expressions import asked_by_panels, asked_by_rules, still_empty
from harness.load import (
    ORDINARY,
    Kind,
    broken_requests,
    double_texts,
    failing_runs,
    load,
    refused_requests,
)
from harness.load_test import JOB as GENERATOR
from harness.load_test import STEADY, started_load_test
from harness.postgres import PostgresServer
from harness.processes import started_server
from harness.prometheus import Prometheus, quick_config, started_prometheus
from harness.redis import RedisServer
from harness.runs import probe_input
from outrigger_dashboards.metrics.load_test import LOAD_TEST
from outrigger_dashboards.metrics.prometheus import OF_PROMETHEUS
from outrigger_telemetry.metric_specs import CATALOGUE

pytestmark = pytest.mark.end_to_end

CONFIG = quick_config()
ASKED = asked_by_panels() + asked_by_rules(CONFIG)
DEADLINE_SECONDS = 40.0
TALKATIVE = QUICK | {"OUTRIGGER_LOG_LEVEL": "info"}
"""A server that has nothing to warn of would log nothing."""
SUFFIXES = ("_bucket", "_count", "_sum")
JOB = "outrigger"
MADE = {spec.name for spec in (*CATALOGUE, *LOAD_TEST)}


@dataclass(frozen=True)
class Seen:
    """What was empty in the end, the names of all series, and what went wrong with rules."""

    empty: list[Asked]
    names: set[str]
    faults: list[str]


def look(prometheus: Prometheus, may_be_empty: set[str]) -> Seen:
    """Ask until only those are empty that may be, or for long enough."""
    empty = still_empty(prometheus, ASKED, may_be_empty, DEADLINE_SECONDS)
    return Seen(empty, prometheus.names(), prometheus.faults_of_rules())


REASONS = {each.quiet for each in ASKED if each.quiet}


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """One process with SQLite, nothing traced."""
    folder = tmp_path_factory.mktemp("smallest")
    with (
        started_server(
            folder / "data", config=write_manifest(folder), sidecar=True, environment=TALKATIVE
        ) as server,
        started_prometheus({JOB: [server.sidecar_url]}, config=CONFIG) as prometheus,
        load(server.url, *ORDINARY),
    ):
        return look(prometheus, REASONS)


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
) -> Iterator[Seen]:
    """PostgreSQL, Redis, traces, a canary, a limited container, a load test; all happens."""
    folder = tmp_path_factory.mktemp("whole")
    settings = {
        "OUTRIGGER_LG_API_METRICS": "true",
        "OUTRIGGER_SIDECAR_CANARY_ASSISTANT": "probe_async",
        "OUTRIGGER_SIDECAR_CANARY_INPUT": '{"token": "canary", "seconds": 0}',
        "OUTRIGGER_SIDECAR_CANARY_INTERVAL_SECONDS": "1",
    }
    with (
        started_system(folder, postgres_server, redis_server, **settings) as system,
        started_onlooker(folder, system) as onlooker,
        limited_container(folder) as container,
        started_load_test(folder, system.server.url, *STEADY) as generator,
    ):
        targets = {JOB: [system.server.sidecar_url, onlooker, container], GENERATOR: [generator]}
        kinds: tuple[Kind, ...] = (
            *ORDINARY,
            double_texts,
            failing_runs,
            refused_requests,
            broken_requests,
        )
        with (
            started_prometheus(targets, config=CONFIG) as prometheus,
            load(system.server.url, *kinds),
        ):
            make_everything_happen(system, prometheus)
            yield look(prometheus, set())


def make_everything_happen(system: BusySystem, prometheus: Prometheus) -> None:
    """Whatever the load leaves out."""

    def are_running(count: int) -> None:
        running = 'max(langgraph_runs{status="running"})'
        prometheus.wait_for(
            lambda: (prometheus.value(running) or 0) >= count, "both workers are at work"
        )

    kill_a_worker_at_work(system, are_running)
    overflow_a_label(system)
    with get_sync_client(url=system.server.url, api_key=None) as client:
        client.crons.create("probe_async", schedule="* * * * * *", input=probe_input("cron", 0))
        client.runs.wait(
            None, "probe_async", input=probe_input("told", 0), webhook=system.receiver.url
        )


def told(empty: list[Asked], reasons: set[str]) -> list[str]:
    return [f"{each.where}: {each.text}" for each in empty if each.quiet not in reasons]


def test_on_the_smallest_system_whatever_is_empty_says_why(smallest: Seen) -> None:
    assert told(smallest.empty, REASONS) == []
    assert smallest.faults == []


def test_whoever_says_why_he_may_be_empty_is_so_on_the_smallest_system(smallest: Seen) -> None:
    # An alert may fire: a busy machine is slow to begin a stream.
    assert {each.quiet for each in smallest.empty} >= REASONS - {"an alert fires"}


def test_on_the_whole_system_nothing_is_empty(whole: Seen) -> None:
    assert told(whole.empty, set()) == []
    assert whole.faults == []


def family(name: str) -> str:
    """The metric behind a series."""
    stem = next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)
    return stem if stem in MADE else name


def test_what_is_scraped_is_the_catalogue_no_more_and_no_less(whole: Seen) -> None:
    given = {spec.name for spec in OF_PROMETHEUS}
    theirs = {
        name for name in whole.names if name in given or name.startswith(("scrape_", "ALERTS"))
    }
    recorded = {name for name in whole.names if name.startswith("job:")}
    made = {family(name) for name in whole.names - theirs - recorded}
    assert made == MADE
    wanted = {each.where.removeprefix("rule ") for each in ASKED if each.where.startswith("rule ")}
    assert recorded == wanted
