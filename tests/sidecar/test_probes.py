import socket
from pathlib import Path

import pytest

from fakes.run_file import NOW, RunFile
from outrigger_sidecar.health import CheckState, Reading
from outrigger_sidecar.probes.base import Probe
from outrigger_sidecar.probes.cpu import CpuProbe
from outrigger_sidecar.probes.database import DatabaseProbe
from outrigger_sidecar.probes.disk import DiskProbe
from outrigger_sidecar.probes.memory import MemoryProbe
from outrigger_sidecar.probes.off import OffProbe
from outrigger_sidecar.probes.queue import QueueProbe
from outrigger_sidecar.probes.server import ServerProbe
from outrigger_sidecar.probes.workers import WorkersProbe
from outrigger_sidecar.run_database.sqlite import SqliteRunDatabase
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metric_specs import DB_PROBE_SECONDS, WORKER_SLOTS
from outrigger_telemetry.metrics import local_metrics, open_process_metrics


def report_slots(directory: Path, **slots: int) -> None:
    metrics = open_process_metrics(directory, role="worker")
    for state, count in slots.items():
        metrics.set(WORKER_SLOTS, count, state=state)
    _KEPT.append(metrics)  # a process that is gone has no slots


_KEPT: list[object] = []


def queue_probe(file: RunFile, directory: Path) -> QueueProbe:
    return QueueProbe(
        SqliteRunDatabase(file.path), MetricFiles(directory), stall_seconds=10, clock=lambda: NOW
    )


def test_database_probe_measures_success_and_failure(tmp_path: Path) -> None:
    metrics = local_metrics()
    probe = DatabaseProbe(SqliteRunDatabase(tmp_path / "outrigger.db"), metrics)

    assert probe.check().state is CheckState.FAILED
    RunFile(tmp_path / "outrigger.db")
    assert probe.check().state is CheckState.OK
    assert metrics.value(DB_PROBE_SECONDS, result="error") == 1
    assert metrics.value(DB_PROBE_SECONDS, result="ok") == 1


@pytest.mark.parametrize(("revision", "state"), [("0001", "failed"), ("9999", "ok")])
def test_database_that_was_not_migrated_has_failed(
    tmp_path: Path, revision: str, state: str
) -> None:
    RunFile(tmp_path / "outrigger.db", revision=revision)

    reading = DatabaseProbe(SqliteRunDatabase(tmp_path / "outrigger.db"), local_metrics()).check()

    assert reading.state == state
    assert ("0001" in reading.detail) == (state == "failed")


def test_workers_without_slots_are_degraded(tmp_path: Path) -> None:
    assert WorkersProbe(MetricFiles(tmp_path)).check().state is CheckState.DEGRADED


def test_workers_with_only_zombies_are_degraded(tmp_path: Path) -> None:
    report_slots(tmp_path, zombie=2)

    reading = WorkersProbe(MetricFiles(tmp_path)).check()

    assert reading.state is CheckState.DEGRADED
    assert "all 2 slots" in reading.detail


def test_workers_that_are_all_busy_are_ok(tmp_path: Path) -> None:
    report_slots(tmp_path, busy=3, zombie=1)

    assert WorkersProbe(MetricFiles(tmp_path)).check().state is CheckState.OK


def test_queue_that_waits_although_slots_are_free_is_stalled(tmp_path: Path) -> None:
    file = RunFile(tmp_path / "outrigger.db")
    file.run("a", "pending", due=-11)
    report_slots(tmp_path / "metrics", idle=1)

    reading = queue_probe(file, tmp_path / "metrics").check()

    assert reading.state is CheckState.DEGRADED
    assert "stalled" in reading.detail


@pytest.mark.parametrize(("idle", "due"), [(0, -11), (1, -9), (1, 60)])
def test_queue_that_waits_for_a_reason_is_ok(tmp_path: Path, idle: int, due: int) -> None:
    file = RunFile(tmp_path / "outrigger.db")
    file.run("a", "pending", due=due)
    report_slots(tmp_path / "metrics", busy=1, idle=idle)

    assert queue_probe(file, tmp_path / "metrics").check().state is CheckState.OK


def test_queue_without_a_database_is_unknown(tmp_path: Path) -> None:
    probe = QueueProbe(
        SqliteRunDatabase(tmp_path / "none.db"),
        MetricFiles(tmp_path),
        stall_seconds=10,
        clock=lambda: NOW,
    )

    assert probe.check().state is CheckState.UNKNOWN


def test_server_that_is_not_there_has_failed() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        probe = ServerProbe(f"http://127.0.0.1:{free.getsockname()[1]}", timeout=1)
        reading = probe.check()
        probe.close()

    assert (reading.state, reading.detail) == (
        CheckState.FAILED,
        "no connection: nothing listens there",
    )


def test_server_that_accepts_and_says_nothing_has_failed() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        probe = ServerProbe(f"http://127.0.0.1:{mute.getsockname()[1]}", timeout=0.05)
        reading = probe.check()
        probe.close()

    assert (reading.state, reading.detail) == (CheckState.FAILED, "no answer within 0.05 s")


def test_memory_goes_by_the_containers_limit(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("950\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 100\n")
    probe = MemoryProbe(limit_ratio=0.9, root=tmp_path)

    assert probe.check().detail == "85% of the container's limit in use"
    (tmp_path / "memory.current").write_text("1000\n")
    assert probe.check().state is CheckState.DEGRADED


def test_memory_without_a_limit_goes_by_the_host(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("950\n")

    reading = MemoryProbe(limit_ratio=1.0, root=tmp_path).check()

    assert reading.state is CheckState.OK
    assert "host" in reading.detail


def test_memory_of_the_older_kind_of_container_counts_too(tmp_path: Path) -> None:
    directory = tmp_path / "memory"
    directory.mkdir()
    (directory / "memory.limit_in_bytes").write_text("1000")
    (directory / "memory.usage_in_bytes").write_text("400")

    assert MemoryProbe(limit_ratio=0.9, root=tmp_path).check().detail.startswith("40% of the con")


def test_cpu_is_averaged_against_the_containers_limit(tmp_path: Path) -> None:
    now = [0.0]
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    probe = CpuProbe(limit_ratio=0.9, clock=lambda: now[0], root=tmp_path)
    readings = []
    for now[0], used in ((0, 0), (10, 10), (20, 30), (60, 110)):
        (tmp_path / "cpu.stat").write_text(f"usage_usec {used * 1_000_000}\n")
        readings.append(probe.check())

    assert [reading.detail.partition(" ")[0] for reading in readings] == [
        "measuring",
        "50%",
        "75%",
        "100%",
    ]
    assert readings[-1].state is CheckState.DEGRADED


def test_cpu_without_a_limit_goes_by_the_host(tmp_path: Path) -> None:
    now = [0.0]
    probe = CpuProbe(limit_ratio=1.0, clock=lambda: now[0], root=tmp_path)
    probe.check()
    now[0] = 1000.0

    assert "host" in probe.check().detail


def test_disk_is_measured_before_the_directory_exists(tmp_path: Path) -> None:
    missing = tmp_path / "not" / "yet"

    assert DiskProbe(missing, free_ratio=0.0001).check().state is CheckState.OK
    assert DiskProbe(missing, free_ratio=1).check().state is CheckState.DEGRADED


def test_what_is_not_there_is_off_and_says_why() -> None:
    probe = OffProbe("redis", "one process needs no Redis")

    assert (probe.name, probe.is_critical) == ("redis", False)
    assert probe.check() == Reading(CheckState.OFF, "one process needs no Redis")


def test_workers_elsewhere_are_none_of_this_sidecars_business(tmp_path: Path) -> None:
    probe = WorkersProbe(MetricFiles(tmp_path), elsewhere=True)

    assert probe.check().state is CheckState.OFF
    report_slots(tmp_path, zombie=1)
    assert probe.check().state is CheckState.DEGRADED


@pytest.mark.parametrize(("running", "state"), [(False, "degraded"), (True, "ok")])
def test_queue_that_waits_while_nothing_runs_anywhere_is_stalled(
    tmp_path: Path, running: bool, state: str
) -> None:
    file = RunFile(tmp_path / "outrigger.db")
    file.run("a", "pending", due=-11)
    if running:
        file.run("b", "running", lease=5)

    assert queue_probe(file, tmp_path / "metrics").check().state == state


def test_only_server_and_database_are_critical(tmp_path: Path) -> None:
    database, files = SqliteRunDatabase(tmp_path / "x"), MetricFiles(tmp_path)
    server = ServerProbe("http://127.0.0.1:1", timeout=1)
    probes: list[Probe] = [
        DatabaseProbe(database, local_metrics()),
        server,
        OffProbe("redis", ""),
        WorkersProbe(files),
        DiskProbe(tmp_path, free_ratio=0.1),
        MemoryProbe(limit_ratio=1),
        CpuProbe(limit_ratio=1, clock=lambda: 0),
        QueueProbe(database, files, stall_seconds=1, clock=lambda: 0),
    ]
    server.close()

    assert {probe.name for probe in probes if probe.is_critical} == {"server", "database"}
