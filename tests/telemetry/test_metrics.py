import stat
import threading
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import CollectorRegistry

from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import local_metrics, open_process_metrics

RUN = {"assistant": "agent", "multitask_strategy": "enqueue"}


def test_counter_counts_what_was_added() -> None:
    metrics = local_metrics()

    metrics.increment(specs.RUNS_CREATED_TOTAL, **RUN, source="api")
    metrics.increment(specs.RUNS_CREATED_TOTAL, 2, source="api", **RUN)

    assert metrics.value(specs.RUNS_CREATED_TOTAL, **RUN, source="api") == 3


def test_gauge_goes_up_and_down() -> None:
    metrics = local_metrics()

    metrics.set(specs.STREAMS_ACTIVE, 5, mode="values")
    metrics.add(specs.STREAMS_ACTIVE, -2, mode="values")

    assert metrics.value(specs.STREAMS_ACTIVE, mode="values") == 3


def test_value_of_a_histogram_is_its_count() -> None:
    metrics = local_metrics()

    metrics.observe(specs.THREAD_QUEUE_LENGTH, 1)
    metrics.observe(specs.THREAD_QUEUE_LENGTH, 99)

    assert metrics.value(specs.THREAD_QUEUE_LENGTH) == 2


def test_observation_on_a_bound_falls_into_its_bucket() -> None:
    metrics = local_metrics([specs.THREAD_QUEUE_LENGTH])

    metrics.observe(specs.THREAD_QUEUE_LENGTH, 3)

    page = generate_latest(metrics.registry).decode()
    assert 'langgraph_thread_queue_length_bucket{le="2.0"} 0.0' in page
    assert 'langgraph_thread_queue_length_bucket{le="3.0"} 1.0' in page


def test_unseen_series_reads_as_zero() -> None:
    assert local_metrics().value(specs.RUNS_CREATED_TOTAL, **RUN, source="cron") == 0


def test_metric_with_closed_labels_exists_at_zero_from_the_start() -> None:
    page = generate_latest(local_metrics().registry).decode()

    assert 'langgraph_fenced_writes_total{kind="checkpoint"} 0.0' in page
    assert 'langgraph_worker_slots{state="zombie"} 0.0' in page


def test_first_sight_of_an_open_value_creates_its_closed_neighbours() -> None:
    metrics = local_metrics()

    metrics.increment(specs.RUNS_FINISHED_TOTAL, **RUN, outcome="success")

    page = generate_latest(metrics.registry).decode()
    assert (
        'langgraph_runs_finished_total{assistant="agent",'
        'multitask_strategy="enqueue",outcome="error"} 0.0'
    ) in page


def test_histogram_with_an_open_label_has_only_what_was_seen() -> None:
    metrics = local_metrics([])

    metrics.observe(specs.RUN_DURATION_SECONDS, 1, **RUN, outcome="success")

    assert generate_latest(metrics.registry).count(b"_count{") == 1


def test_the_101st_value_of_an_open_label_is_other_and_counted() -> None:
    metrics = local_metrics()
    for number in range(specs.MAX_OPEN_VALUES + 2):
        metrics.observe(specs.GRAPH_BUILD_SECONDS, 0.1, graph=f"graph-{number}")

    assert metrics.value(specs.GRAPH_BUILD_SECONDS, graph=specs.OVERFLOW_VALUE) == 2
    overflow = metrics.value(specs.LABEL_OVERFLOW_TOTAL, metric="langgraph_graph_build_seconds")
    assert overflow == 2


def test_asking_for_a_value_uses_up_no_room() -> None:
    metrics = local_metrics()
    for number in range(specs.MAX_OPEN_VALUES):
        metrics.value(specs.GRAPH_BUILD_SECONDS, graph=f"graph-{number}")

    metrics.observe(specs.GRAPH_BUILD_SECONDS, 0.1, graph="late")

    assert metrics.value(specs.GRAPH_BUILD_SECONDS, graph="late") == 1


def test_value_a_client_chooses_falls_back() -> None:
    metrics = local_metrics()

    metrics.add(specs.HTTP_SERVER_ACTIVE_REQUESTS, 1, method="BREW")

    assert metrics.value(specs.HTTP_SERVER_ACTIVE_REQUESTS, method="_OTHER") == 1


@pytest.mark.parametrize(
    "labels", [{"kind": "nonsense"}, {}, {"kind": "store", "more": "x"}, {"knid": "store"}]
)
def test_wrong_labels_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="langgraph_fenced_writes_total"):
        local_metrics().increment(specs.FENCED_WRITES_TOTAL, **labels)


def test_wrong_kind_is_refused() -> None:
    metrics = local_metrics()

    with pytest.raises(ValueError, match="observations"):
        metrics.observe(specs.STREAM_RESUMES_TOTAL, 1)
    with pytest.raises(ValueError, match="set"):
        metrics.set(specs.STREAM_RESUMES_TOTAL, 1)
    with pytest.raises(ValueError, match="added"):
        metrics.increment(specs.THREAD_QUEUE_LENGTH)


def test_counter_refuses_to_go_down() -> None:
    with pytest.raises(ValueError, match="only goes up"):
        local_metrics().increment(specs.STREAM_RESUMES_TOTAL, -1)


def test_threads_lose_no_increment() -> None:
    metrics = local_metrics()

    def work() -> None:
        for number in range(2000):
            metrics.increment(specs.RUN_ERRORS_TOTAL, assistant="a", error_class=str(number % 7))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    total = sum(
        metrics.value(specs.RUN_ERRORS_TOTAL, assistant="a", error_class=str(kind))
        for kind in range(7)
    )
    assert total == 8000


def test_process_files_read_like_prometheus_clients_own(tmp_path: Path) -> None:
    metrics = open_process_metrics(tmp_path / "metrics", role="server")
    metrics.increment(specs.RUNS_CREATED_TOTAL, **RUN, source="api")
    metrics.observe(specs.RUN_DURATION_SECONDS, 3, **RUN, outcome="success")
    metrics.add(specs.STREAMS_ACTIVE, 1, mode="values")
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(tmp_path / "metrics"))  # type: ignore[no-untyped-call]

    theirs = _samples(generate_latest(registry))

    assert theirs == _samples(generate_latest(metrics.registry))
    metrics.close()


def test_metrics_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    metrics = open_process_metrics(tmp_path / "metrics", role="server")
    metrics.close()

    assert stat.S_IMODE((tmp_path / "metrics").stat().st_mode) == 0o700


def test_counting_after_close_is_harmless(tmp_path: Path) -> None:
    metrics = open_process_metrics(tmp_path, role="server")
    metrics.close()
    metrics.close()

    metrics.increment(specs.STREAM_RESUMES_TOTAL)
    metrics.increment(specs.RUNS_CREATED_TOTAL, **RUN, source="api")

    assert metrics.value(specs.STREAM_RESUMES_TOTAL) == 1


def _samples(page: bytes) -> set[str]:
    return {line for line in page.decode().splitlines() if not line.startswith("#")}
