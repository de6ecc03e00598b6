import os
import random
from pathlib import Path

from prometheus_client.metrics_core import Metric

from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metric_files import ARCHIVE, MetricFiles
from outrigger_telemetry.metrics import Metrics, open_process_metrics
from outrigger_telemetry.process_files import identifier_of, try_exclusively
from outrigger_telemetry.value_files import ValueFile, sample_key

KIND = {"kind": "store"}
STORE_WRITES = 'langgraph_fenced_writes_total{"kind": "store"}'
OPEN_STREAMS = 'langgraph_streams_active{"mode": "values"}'


def write(directory: Path, count: int) -> Metrics:
    metrics = open_process_metrics(directory, role="server")
    metrics.increment(specs.FENCED_WRITES_TOTAL, count, **KIND)
    metrics.observe(specs.THREAD_QUEUE_LENGTH, 2)
    metrics.add(specs.STREAMS_ACTIVE, 1, mode="values")
    return metrics


def values(families: list[Metric]) -> dict[str, float]:
    return {
        sample.name + str(sample.labels).replace("'", '"'): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_missing_directory_is_an_empty_page(tmp_path: Path) -> None:
    files = MetricFiles(tmp_path / "nowhere")

    assert files.read().families == []
    assert files.fold() == []


def test_processes_add_up(tmp_path: Path) -> None:
    processes = [write(tmp_path, 1), write(tmp_path, 2)]

    page = values(MetricFiles(tmp_path).read().families)

    assert page[STORE_WRITES] == 3
    assert page[OPEN_STREAMS] == 2
    assert page['langgraph_thread_queue_length_bucket{"le": "+Inf"}'] == 2
    for process in processes:
        process.close()


def test_gauges_of_a_dead_process_vanish_before_it_is_folded(tmp_path: Path) -> None:
    dead, living = write(tmp_path, 1), write(tmp_path, 2)
    dead.close()

    page = values(MetricFiles(tmp_path).read().families)

    assert page[OPEN_STREAMS] == 1
    assert page[STORE_WRITES] == 3
    living.close()


def test_folding_keeps_every_count_and_removes_the_files(tmp_path: Path) -> None:
    for count in (1, 2, 3):
        write(tmp_path, count).close()
    files = MetricFiles(tmp_path)
    before = values(files.read().families)

    assert len(files.fold()) == 3

    assert values(MetricFiles(tmp_path).read().families) == before
    assert len(list(tmp_path.glob("*.db"))) == 2
    assert list(tmp_path.glob("*.lock")) == []


def test_folding_again_adds_nothing(tmp_path: Path) -> None:
    files = MetricFiles(tmp_path)
    for count in (1, 2, 3):
        write(tmp_path, count).close()
        files.fold()
    assert files.fold() == []

    assert values(files.read().families)[STORE_WRITES] == 6


def test_a_crash_before_the_archive_counts_leaves_all_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, 5).close()
    _half_written_archive(tmp_path, generation=1)

    files = MetricFiles(tmp_path)

    assert values(files.read().families)[STORE_WRITES] == 5
    assert len(files.fold()) == 1
    assert values(files.read().families)[STORE_WRITES] == 5


def test_a_crash_after_the_archive_counts_counts_nothing_twice(tmp_path: Path) -> None:
    write(tmp_path, 5).close()
    kept = {path: path.read_bytes() for path in tmp_path.iterdir()}
    MetricFiles(tmp_path).fold()
    for path, data in kept.items():  # as if the crash had come before they were removed
        path.write_bytes(data)

    files = MetricFiles(tmp_path)

    assert values(files.read().families)[STORE_WRITES] == 5
    files.fold()
    files.fold()
    assert values(files.read().families)[STORE_WRITES] == 5
    assert {identifier_of(path) for path in tmp_path.glob("*.db")} <= {"archive-1", "archive-2"}


def test_only_one_process_folds_at_a_time(tmp_path: Path) -> None:
    write(tmp_path, 1).close()
    with try_exclusively(tmp_path / "compactor.mutex") as is_mine:
        assert is_mine
        assert MetricFiles(tmp_path).fold() == []

    assert len(MetricFiles(tmp_path).fold()) == 1


def test_damaged_file_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    process = write(tmp_path, 4)
    (tmp_path / "counter_broken.db").write_bytes(b"\xff\x00\x00\x00" * 20)
    (tmp_path / "counter_fresh.db").write_bytes(b"")

    page = MetricFiles(tmp_path).read()

    assert page.damaged == ("counter_broken.db",)
    assert values(page.families)[STORE_WRITES] == 4
    process.close()


def test_sums_never_step_back_by_rounding(tmp_path: Path) -> None:
    random.seed(7)
    amounts = [random.random() for _ in range(6)]
    processes = [open_process_metrics(tmp_path, role="server") for _ in amounts]
    for process, amount in zip(processes, amounts, strict=True):
        process.increment(specs.DOUBLE_TEXT_WASTED_SECONDS_TOTAL, amount, strategy="rollback")
    files = MetricFiles(tmp_path)
    name = 'langgraph_double_text_wasted_seconds_total{"strategy": "rollback"}'
    last = values(files.read().families)[name]

    for process in reversed(processes):
        process.close()
        files.fold()
        now = values(files.read().families)[name]
        assert now >= last
        last = now


def test_help_changed_by_an_upgrade_does_not_part_a_metric(tmp_path: Path) -> None:
    labels = {"kind": "store"}
    for number, text in enumerate(("old words", "new words")):
        file = ValueFile(tmp_path / f"counter_version-{number}.db")
        family = "langgraph_fenced_writes"
        file.append(sample_key(family, f"{family}_total", labels, text), 2)
        file.close()

    families = MetricFiles(tmp_path).read().families

    assert values(families) == {STORE_WRITES: 4}


def test_gauge_reads_one_metric_of_the_living(tmp_path: Path) -> None:
    process = open_process_metrics(tmp_path, role="worker")
    process.set(specs.WORKER_SLOTS, 3, state="idle")
    files = MetricFiles(tmp_path)

    assert files.gauge("langgraph_worker_slots")[("state", "idle"),] == 3

    process.close()
    assert files.gauge("langgraph_worker_slots") == {}


def test_lock_tells_who_writes(tmp_path: Path) -> None:
    process = open_process_metrics(tmp_path, role="worker")

    (found,) = MetricFiles(tmp_path).processes()

    assert (found.pid, found.role, found.is_alive) == (os.getpid(), "worker", True)
    assert found.is_local
    assert "_" not in found.identifier
    process.close()
    assert not MetricFiles(tmp_path).processes()[0].is_alive


def _half_written_archive(directory: Path, generation: int) -> None:
    assert not (directory / ARCHIVE).exists()
    file = ValueFile(directory / f"counter_archive-{generation}.db")
    family = specs.FENCED_WRITES_TOTAL.family
    file.append(sample_key(family, f"{family}_total", KIND, "x"), 5)
    file.close()
