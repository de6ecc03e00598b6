"""A limit on the size of files stands for a disk that takes no more."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metrics import open_process_metrics
from outrigger_telemetry.value_files import ValueFile, read_values

SERIES = 90
LABELS = {"multitask_strategy": "reject", "outcome": "success"}
NO_SPACE = 4096
"""Too little for the first page of numbers, enough for the lock."""


def stop_growth(largest_file: int) -> None:
    """From now on no file of this process may grow beyond that."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))


def largest(directory: Path) -> int:
    return max(path.stat().st_size for path in directory.glob("*.db"))


def in_child(scene: str, directory: Path) -> list[str]:
    """Run the scene in a process of its own, for it limits itself, and return what it printed."""
    ended = subprocess.run(
        [sys.executable, __file__, scene, str(directory)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.split()


def observe_beyond_the_limit(directory: Path) -> None:
    metrics = open_process_metrics(directory, role="server")
    metrics.increment(specs.FENCED_WRITES_TOTAL, kind="store")
    stop_growth(largest(directory))
    for number in range(SERIES):
        metrics.observe(specs.RUN_DURATION_SECONDS, 1.0, assistant=f"a{number}", **LABELS)
        metrics.observe(specs.RUN_DURATION_SECONDS, 1.0, assistant=f"a{number}", **LABELS)
    metrics.increment(specs.FENCED_WRITES_TOTAL, kind="store")
    for number in range(SERIES):
        sys.stdout.write(
            f"{metrics.value(specs.RUN_DURATION_SECONDS, assistant=f'a{number}', **LABELS)}\n"
        )
    metrics.close()


def open_without_space(directory: Path) -> None:
    stop_growth(NO_SPACE)
    try:
        open_process_metrics(directory, role="server")
    except OSError as error:
        sys.stdout.write(f"{type(error).__name__}\n")


def append_beyond_the_limit(directory: Path) -> None:
    path = directory / "counter_x.db"
    file = ValueFile(path)
    stop_growth(path.stat().st_size)
    first = file.append("first", 1.0)
    written = ["first"]
    try:
        for number in range(10_000):
            file.append(f"number {number}", 1.0)
            written.append(f"number {number}")
    except OSError:
        file.write(first, 2.0)
    file.close()
    sys.stdout.write(f"{len(written)}\n")


SCENES = {
    scene.__name__: scene
    for scene in (observe_beyond_the_limit, open_without_space, append_beyond_the_limit)
}


def test_new_series_are_kept_in_memory_when_the_disk_is_full(tmp_path: Path) -> None:
    counted = in_child("observe_beyond_the_limit", tmp_path)

    assert counted == ["2.0"] * SERIES
    page = MetricFiles(tmp_path).read()
    assert page.damaged == ()
    samples = [sample for family in page.families for sample in family.samples]
    durations = {
        sample.labels["assistant"]
        for sample in samples
        if sample.name == f"{specs.RUN_DURATION_SECONDS.family}_sum"
    }
    assert 0 < len(durations) < SERIES, "the limit was never met"


def test_series_from_before_the_disk_was_full_go_on_being_written(tmp_path: Path) -> None:
    in_child("observe_beyond_the_limit", tmp_path)

    samples = [s for family in MetricFiles(tmp_path).read().families for s in family.samples]
    (writes,) = (
        sample.value
        for sample in samples
        if sample.name == specs.FENCED_WRITES_TOTAL.name and sample.labels["kind"] == "store"
    )
    assert writes == 2


def test_histograms_that_met_a_full_disk_are_whole_or_absent(tmp_path: Path) -> None:
    in_child("observe_beyond_the_limit", tmp_path)

    name = specs.RUN_DURATION_SECONDS.family
    samples = [s for family in MetricFiles(tmp_path).read().families for s in family.samples]
    parts: dict[str, list[str]] = {}
    for sample in samples:
        if sample.name.startswith(name):
            part = sample.name.removeprefix(name)
            parts.setdefault(sample.labels["assistant"], []).append(sample.labels.get("le", part))
    lengths = {len(found) for found in parts.values()}
    assert lengths == {len(specs.RUN_DURATION_SECONDS.buckets) + 3}


def test_opening_without_space_fails(tmp_path: Path) -> None:
    assert in_child("open_without_space", tmp_path) == ["OSError"]


def test_a_file_that_cannot_grow_keeps_what_it_has(tmp_path: Path) -> None:
    (count,) = in_child("append_beyond_the_limit", tmp_path)

    values = read_values(tmp_path / "counter_x.db")
    assert 1 < len(values) == int(count)
    assert values[0] == (b"first", 2.0)


if __name__ == "__main__":
    SCENES[sys.argv[1]](Path(sys.argv[2]))
