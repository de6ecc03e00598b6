"""Workers by their heartbeats, the limits of the container, and what a process has started."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.container import ContainerCollector
from outrigger_sidecar.collectors.process import ProcessCollector
from outrigger_sidecar.collectors.workers import REMEMBERED_SECONDS, WorkersCollector
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import open_process_metrics

WRITER = """
import sys, time
from pathlib import Path
from outrigger_telemetry.metrics import open_process_metrics
metrics = open_process_metrics(Path(sys.argv[1]), role="worker")
if sys.argv[2] == "beats":
    metrics.beat()
print("ready", flush=True)
sys.stdin.readline()
metrics.close()
"""
BUSY = "sum(range(10_000_000)); print('done', flush=True); input()"


def values(families: Iterable[Metric]) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for metric in families
        for sample in metric.samples
    }


def started(directory: Path, *, beats: bool) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), "beats" if beats else "silent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def of(page: dict[tuple[str, str], float], process: subprocess.Popen[str]) -> dict[str, float]:
    """What is said about this worker."""
    return {
        name.removeprefix("langgraph_worker_"): value
        for (name, worker), value in page.items()
        if worker.endswith(f"-{process.pid}")
    }


@pytest.mark.parametrize("folds_first", [False, True])
def test_a_worker_that_was_killed_is_down_for_a_while_and_then_gone(
    tmp_path: Path, folds_first: bool
) -> None:
    files = MetricFiles(tmp_path)
    worker, other = started(tmp_path, beats=True), started(tmp_path, beats=False)
    beat = (tmp_path / f"{files.processes()[0].identifier}.heartbeat").stat().st_mtime
    now = [beat + 7]
    collector = WorkersCollector(files, clock=lambda: now[0])

    alive = values(collector.collect())
    for process in (worker, other):
        process.kill()
        process.communicate()
    if folds_first:
        collector.ended(files.fold())
    dead = values(collector.collect())
    now[0] += REMEMBERED_SECONDS + 1
    files.fold()
    later = values(collector.collect())

    assert of(alive, worker) == {"up": 1, "heartbeat_age_seconds": pytest.approx(7)}
    assert of(dead, worker) == {"up": 0}
    assert {**of(alive, other), **of(dead, other), **later} == {}
    assert not list(tmp_path.glob("*.heartbeat"))


def test_a_worker_that_stopped_as_it_should_is_not_shown_as_down(tmp_path: Path) -> None:
    worker = started(tmp_path, beats=True)
    collector = WorkersCollector(MetricFiles(tmp_path), clock=lambda: 0)
    assert of(values(collector.collect()), worker)["up"] == 1

    worker.communicate("\n")

    assert values(collector.collect()) == {}
    assert not list(tmp_path.glob("*.heartbeat"))


def test_the_limits_of_the_container_are_shown_with_what_is_used(tmp_path: Path) -> None:
    for name, text in {
        "memory.max": "1000",
        "memory.current": "700",
        "memory.stat": "inactive_file 100",
        "cpu.max": "150000 100000",
        "cpu.stat": "usage_usec 2500000",
    }.items():
        (tmp_path / name).write_text(f"{text}\n")

    assert values(ContainerCollector(tmp_path).collect()) == {
        ("langgraph_container_memory_bytes", ""): 600,
        ("langgraph_container_memory_limit_bytes", ""): 1000,
        ("langgraph_container_cpu_seconds_total", ""): 2.5,
        ("langgraph_container_cpu_limit", ""): 1.5,
    }


def test_without_a_limit_there_is_nothing_to_show(tmp_path: Path) -> None:
    for name in ("memory.max", "memory.current", "cpu.max"):
        (tmp_path / name).write_text("max 100000\n")

    assert values(ContainerCollector(tmp_path).collect()) == {}


def children(page: dict[tuple[str, str], float]) -> dict[str, float]:
    return {name: value for (name, labels), value in page.items() if "sidecar_children" in labels}


def test_what_a_process_started_is_added_up_beside_it_and_its_time_stays(tmp_path: Path) -> None:
    collector = ProcessCollector(MetricFiles(tmp_path))
    process = open_process_metrics(tmp_path, role="server")  # this test is the sidecar, too
    before = children(values(collector.collect())).get("process_cpu_seconds_total", 0.0)
    child = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"done\n"

    with_child = children(values(collector.collect()))
    child.communicate(b"\n")
    without = children(values(collector.collect()))

    assert with_child["process_cpu_seconds_total"] > before
    assert with_child["process_resident_memory_bytes"] > 1_000_000
    assert with_child["process_threads"] >= 1
    assert with_child["process_open_fds"] >= 3
    assert without["process_cpu_seconds_total"] >= with_child["process_cpu_seconds_total"]
    assert without["process_threads"] < with_child["process_threads"]
    process.close()
