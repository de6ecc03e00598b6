import os
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from prometheus_client.metrics_core import Metric

from fakes.run_file import NOW, RunFile
from outrigger_sidecar.collectors.base import family
from outrigger_sidecar.collectors.container import ContainerCollector
from outrigger_sidecar.collectors.health import HealthCollector
from outrigger_sidecar.collectors.metric_files import MetricFilesCollector
from outrigger_sidecar.collectors.own import OwnMetricsCollector
from outrigger_sidecar.collectors.page import Page, merge
from outrigger_sidecar.collectors.process import ProcessCollector
from outrigger_sidecar.collectors.queue import QueueCollector
from outrigger_sidecar.collectors.relay import RelayCollector
from outrigger_sidecar.collectors.runs import RunsCollector
from outrigger_sidecar.collectors.traces import TracesCollector
from outrigger_sidecar.collectors.workers import WorkersCollector
from outrigger_sidecar.errors import DatabaseError
from outrigger_sidecar.health import CheckReport, CheckState
from outrigger_sidecar.run_database.base import Counts, Rest, RunDatabase
from outrigger_sidecar.run_database.sqlite import SqliteRunDatabase
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import local_metrics, open_process_metrics


class Broken:
    name = "broken"

    def collect(self) -> Iterable[Metric]:
        raise OSError


def values(families: Iterable[Metric]) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for metric in families
        for sample in metric.samples
    }


def test_failing_collector_is_named_and_the_others_are_shown() -> None:
    metrics = local_metrics([specs.STREAM_RESUMES_TOTAL])

    page = values(Page([Broken(), OwnMetricsCollector(metrics)]).collect())

    assert page["langgraph_sidecar_collector_success", "broken"] == 0
    assert page["langgraph_sidecar_collector_success", "own"] == 1
    assert page["langgraph_stream_resumes_total", ""] == 0
    assert page["langgraph_sidecar_collector_duration_seconds", "broken"] >= 0


class Flapping:
    name = "flapping"

    def __init__(self) -> None:
        self.is_broken = True

    def collect(self) -> Iterable[Metric]:
        if self.is_broken:
            raise OSError
        return []


def test_the_age_of_a_collector_is_the_time_since_it_last_worked() -> None:
    now = [100.0]
    collector = Flapping()
    page = Page([collector], clock=lambda: now[0])

    def age() -> float | None:
        shown = values(page.collect())
        return shown.get(("langgraph_sidecar_collector_age_seconds", "flapping"))

    never = age()
    collector.is_broken = False
    works = age()
    collector.is_broken = True
    now[0] += 30

    assert (never, works, age()) == (None, 0, 30)


def test_what_two_sources_count_is_one_family_with_sums() -> None:
    lines = [
        family(specs.LOG_LINES_TOTAL, [({"level": "info", "logger_group": group}, count)])
        for group, count in (("a", 1), ("a", 2), ("b", 4))
    ]

    (merged,) = merge(lines)

    assert sorted(sample.value for sample in merged.samples) == [3, 4]


def queue_collector(file: RunFile, files: MetricFiles) -> QueueCollector:
    database = SqliteRunDatabase(file.path)
    return QueueCollector(database, files, stall_seconds=10, clock=lambda: NOW)


def test_runs_threads_and_queue_are_shown(tmp_path: Path) -> None:
    file = RunFile(tmp_path / "outrigger.db")
    file.thread("a")
    file.run("a", "running", lease=5)
    file.run("a", "pending", due=-20)
    file.run("b", "pending", due=-30)
    file.run("c", "success", due=-30)
    runs = RunsCollector(SqliteRunDatabase(file.path), clock=lambda: 0)

    page = values(Page([queue_collector(file, MetricFiles(tmp_path)), runs]).collect())

    assert page["langgraph_runs", "pending"] == 2
    assert page["langgraph_runs", "running"] == 1
    assert page["langgraph_runs", "success"] == 1
    assert page["langgraph_runs", "timeout"] == 0
    assert page["langgraph_threads", "busy"] == 2
    assert page["langgraph_threads", "idle"] == 0
    assert page["langgraph_run_queue_depth", "false"] == 1
    assert page["langgraph_run_queue_depth", "true"] == 1
    assert page["langgraph_run_queue_oldest_seconds", "false"] == 30
    assert page["langgraph_runs_stuck", "pending_with_free_slots"] == 0
    assert page["langgraph_runs_stuck", "running_without_lease"] == 0


def test_runs_that_wait_although_slots_are_free_are_stuck(tmp_path: Path) -> None:
    file = RunFile(tmp_path / "outrigger.db")
    file.run("b", "pending", due=-30)
    process = open_process_metrics(tmp_path, role="worker")
    process.set(specs.WORKER_SLOTS, 1, state="idle")

    page = values(queue_collector(file, MetricFiles(tmp_path)).collect())

    assert page["langgraph_runs_stuck", "pending_with_free_slots"] == 1
    process.close()


class Counted:
    """A database that takes a second to count, or cannot."""

    rest = Rest(least_seconds=5, share=0.1)

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.is_away = False

    def counts(self) -> Counts:
        self.asked += 1
        self.now += 1
        if self.is_away:
            raise DatabaseError
        return Counts({"success": self.asked, "pending": 7}, {"idle": 0})


def test_counting_leaves_the_database_alone_for_long_also_when_it_failed() -> None:
    database = Counted()
    collector = RunsCollector(cast("RunDatabase", database), clock=lambda: database.now)

    def seen(seconds: float) -> float | None:
        database.now = seconds
        try:
            return values(collector.collect())["langgraph_runs", "success"]
        except DatabaseError:
            return None

    assert [seen(0), seen(5), seen(10.9)] == [1, 1, 1]
    database.is_away = True
    assert [seen(11), seen(20)] == [None, None]
    database.is_away = False
    assert [seen(21.9), seen(22)] == [None, 3]


def test_metric_files_collector_counts_the_files_it_read(tmp_path: Path) -> None:
    process = open_process_metrics(tmp_path, role="server")
    process.increment(specs.FENCED_WRITES_TOTAL, kind="store")

    page = values(MetricFilesCollector(MetricFiles(tmp_path)).collect())

    assert page["langgraph_fenced_writes_total", "store"] == 1
    assert page["langgraph_sidecar_metric_files", ""] == 3
    process.close()


def test_process_collector_shows_the_sidecar_and_no_process_twice(tmp_path: Path) -> None:
    processes = [open_process_metrics(tmp_path, role="server") for _ in range(2)]

    page = values(ProcessCollector(MetricFiles(tmp_path)).collect())

    roles = [labels.partition(",")[0] for name, labels in page if name == "process_open_fds"]
    children = "sidecar_children"  # of other tests in this process
    assert [role for role in roles if role != children] == ["sidecar"]  # it writes the files itself
    (cpu,) = (
        value
        for (name, labels), value in page.items()
        if name == "process_cpu_seconds_total" and not labels.startswith(children)
    )
    assert 0 < cpu < os.times().elapsed
    for process in processes:
        process.close()


def test_health_collector_shows_state_and_age_of_each_check() -> None:
    reports = [
        CheckReport("server", CheckState.FAILED, "x", True, 0.1, 2.0),
        CheckReport("disk", CheckState.UNKNOWN, "x", False, None, None),
    ]

    page = values(HealthCollector(lambda: reports).collect())

    assert page["langgraph_health_status", "server,failed"] == 1
    assert page["langgraph_health_status", "server,ok"] == 0
    assert page["langgraph_health_status", "disk,unknown"] == 1
    assert page["langgraph_health_check_age_seconds", "server"] == 2
    assert ("langgraph_health_check_age_seconds", "disk") not in page


def test_every_metric_of_the_sidecar_comes_from_somewhere(tmp_path: Path) -> None:
    from outrigger_sidecar.app import OWN_METRICS

    RunFile(tmp_path / "outrigger.db")
    files = MetricFiles(tmp_path)
    database = SqliteRunDatabase(tmp_path / "outrigger.db")
    page = Page(
        [
            MetricFilesCollector(files),
            WorkersCollector(files, clock=lambda: NOW),
            ContainerCollector(),
            QueueCollector(database, files, stall_seconds=1, clock=lambda: NOW),
            RunsCollector(database, clock=lambda: 0),
            ProcessCollector(files),
            HealthCollector(list),
            TracesCollector(lambda: (0, 0.0)),
            RelayCollector(lambda: None),
            OwnMetricsCollector(local_metrics(OWN_METRICS)),
        ]
    )

    names = {metric.name for metric in page.collect()}

    mine = {spec.family for spec in specs.CATALOGUE if spec.source in {"sidecar", "relay"}}
    assert mine - {specs.TARGET_INFO.family} <= names  # of a server far away: test_remote_server
